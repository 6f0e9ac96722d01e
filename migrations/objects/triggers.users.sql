CREATE OR REPLACE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW
  WHEN (OLD.* IS DISTINCT FROM NEW.* AND OLD.last_login_at IS NOT DISTINCT FROM NEW.last_login_at)
  EXECUTE FUNCTION app.touch();
CREATE OR REPLACE TRIGGER access_upd AFTER UPDATE OF is_active, deleted_at, role ON users FOR EACH ROW
  WHEN ((OLD.is_active, OLD.deleted_at IS NULL, OLD.role) IS DISTINCT FROM
        (NEW.is_active, NEW.deleted_at IS NULL, NEW.role))
  EXECUTE FUNCTION app.access_changed('user', 'id');
CREATE OR REPLACE TRIGGER access_del AFTER DELETE ON users
  FOR EACH ROW EXECUTE FUNCTION app.access_changed('user', 'id');
CREATE OR REPLACE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF email, email_verified, username, display_name, first_name,
  last_name, avatar_url, bio, role, features, metadata, subscription_tier, is_active, deleted_at ON users
  FOR EACH ROW EXECUTE FUNCTION app.audit('user', 'id', 'role', 'is_active', 'email_verified', 'subscription_tier');
-- Which features a user has decides whether the user's tokens work.
CREATE OR REPLACE TRIGGER access_features AFTER UPDATE OF features ON users FOR EACH ROW
  WHEN (OLD.features -> 'api_tokens' IS DISTINCT FROM NEW.features -> 'api_tokens')
  EXECUTE FUNCTION app.access_changed('user', 'id');
CREATE OR REPLACE TRIGGER claim_shares AFTER INSERT OR UPDATE OF email, email_verified ON users FOR EACH ROW
  WHEN (NEW.email_verified) EXECUTE FUNCTION app.claim_shares();
CREATE OR REPLACE TRIGGER picture AFTER UPDATE OF avatar_url ON users FOR EACH ROW
  WHEN (OLD.avatar_url IS DISTINCT FROM NEW.avatar_url) EXECUTE FUNCTION app.keep_picture();
