CREATE OR REPLACE TRIGGER before BEFORE UPDATE ON attachments
  FOR EACH ROW EXECUTE FUNCTION app.attachment_before();
CREATE OR REPLACE TRIGGER storage AFTER INSERT OR DELETE OR UPDATE OF size_bytes, workspace_id, deleted_at ON attachments
  FOR EACH ROW EXECUTE FUNCTION app.attachment_counted();
CREATE OR REPLACE TRIGGER feed AFTER INSERT OR DELETE OR UPDATE OF file_name, processing_status, workspace_id, deleted_at
  ON attachments FOR EACH ROW EXECUTE FUNCTION app.attachment_changed();
CREATE OR REPLACE TRIGGER text_due AFTER INSERT ON attachments FOR EACH ROW
  WHEN (NEW.content_type IN ('application/pdf', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'))
  EXECUTE FUNCTION app.attachment_text_due();
