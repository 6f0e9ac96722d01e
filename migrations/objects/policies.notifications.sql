DROP POLICY IF EXISTS internal ON notifications;
CREATE POLICY internal ON notifications TO app_service, app_admin USING (true) WITH CHECK (true);
-- One's own, of what one may read now. The conditions look through the policies of the other tables.
DROP POLICY IF EXISTS own_read ON notifications;
CREATE POLICY own_read ON notifications FOR SELECT TO app_readwrite, app_readonly
  USING (user_id = (SELECT app.user_id()) AND CASE
    WHEN invitation_id IS NOT NULL THEN EXISTS (SELECT FROM invitations i WHERE i.id = notifications.invitation_id
      AND i.status = 'pending' AND i.expires_at > now())
    WHEN comment_id IS NOT NULL THEN EXISTS (SELECT FROM comments c JOIN documents d ON d.id = c.document_id
      WHERE c.id = notifications.comment_id AND c.deleted_at IS NULL AND d.deleted_at IS NULL)
    WHEN document_id IS NOT NULL THEN EXISTS (SELECT FROM documents d
      WHERE d.id = notifications.document_id AND d.deleted_at IS NULL)
    ELSE workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]) END);
DROP POLICY IF EXISTS own_update ON notifications;
CREATE POLICY own_update ON notifications FOR UPDATE TO app_readwrite USING (user_id = (SELECT app.user_id()));
