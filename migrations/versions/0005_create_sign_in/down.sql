DROP POLICY own ON access_tokens;
REVOKE SELECT (id, user_id, name, scopes, last_used_at, expires_at, revoked_at, created_at)
  ON access_tokens FROM app_readonly, app_readwrite;
REVOKE UPDATE (revoked_at) ON access_tokens FROM app_readwrite;
DROP TRIGGER touch ON users;
CREATE TRIGGER touch BEFORE UPDATE ON users
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION app.touch();
DROP TABLE user_activity_days, user_settings, sign_in_attempts, sign_in_links, sessions, devices, user_identities,
  user_credentials;
