CREATE OR REPLACE TRIGGER invitation_guard BEFORE INSERT OR UPDATE ON invitations
  FOR EACH ROW EXECUTE FUNCTION app.invitation_guard();
CREATE OR REPLACE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON invitations
  FOR EACH ROW EXECUTE FUNCTION app.audit('invitation', 'id', 'email', 'role', 'status');
CREATE OR REPLACE TRIGGER notify AFTER INSERT ON invitations FOR EACH ROW EXECUTE FUNCTION app.notify_invitation();
