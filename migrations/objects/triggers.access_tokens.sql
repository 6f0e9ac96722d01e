CREATE OR REPLACE TRIGGER access_upd AFTER UPDATE OF revoked_at, expires_at, scopes ON access_tokens FOR EACH ROW
  WHEN ((OLD.revoked_at, OLD.expires_at, OLD.scopes) IS DISTINCT FROM (NEW.revoked_at, NEW.expires_at, NEW.scopes))
  EXECUTE FUNCTION app.access_changed('token', 'id');
CREATE OR REPLACE TRIGGER access_del AFTER DELETE ON access_tokens
  FOR EACH ROW EXECUTE FUNCTION app.access_changed('token', 'id');
CREATE OR REPLACE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF name, scopes, expires_at, revoked_at ON access_tokens
  FOR EACH ROW EXECUTE FUNCTION app.audit('access_token', 'id', 'name', 'scopes', 'user_id', 'parent_token_id',
                                          'parent_session_id');
CREATE OR REPLACE TRIGGER revoke_descendants AFTER UPDATE OF revoked_at ON access_tokens FOR EACH ROW
  WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION app.revoke_descendants();
