DELETE FROM notifications WHERE kind = 'storage';
ALTER TABLE notifications DROP CONSTRAINT notifications_kind_check, ADD CONSTRAINT notifications_kind_check
  CHECK (kind IN ('mention', 'reply', 'comment', 'reaction', 'resolved', 'membership', 'invitation', 'role', 'document_changed'));
UPDATE workspace_usage SET storage_used_bytes = greatest(0, storage_used_bytes - attachment_bytes);
ALTER TABLE workspace_usage DROP attachment_bytes;
DROP TABLE uploads;
DROP TABLE object_deletions;
DROP TABLE attachments;
DROP FUNCTION IF EXISTS app.attachment_before, app.attachment_counted, app.attachment_changed, app.upload_gone, app.count_attachment_bytes;
