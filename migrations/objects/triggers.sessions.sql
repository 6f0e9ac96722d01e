CREATE OR REPLACE TRIGGER access_upd AFTER UPDATE OF expires_at ON sessions FOR EACH ROW
  WHEN (OLD.expires_at <> NEW.expires_at) EXECUTE FUNCTION app.access_changed('session', 'id');
CREATE OR REPLACE TRIGGER access_del AFTER DELETE ON sessions FOR EACH ROW  -- whoever had one that expired is gone already
  WHEN (OLD.expires_at > now()) EXECUTE FUNCTION app.access_changed('session', 'id');
CREATE OR REPLACE TRIGGER audit AFTER INSERT OR DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION app.audit_session();
