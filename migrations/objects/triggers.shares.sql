CREATE OR REPLACE TRIGGER before BEFORE INSERT OR UPDATE ON shares FOR EACH ROW EXECUTE FUNCTION app.share_before();
CREATE OR REPLACE TRIGGER feed AFTER INSERT OR DELETE OR UPDATE OF grantee_id, name, permission, expires_at, max_uses,
  password_hash, revoked_at, expired ON shares FOR EACH ROW EXECUTE FUNCTION app.share_changed();
-- A link that nobody has opened concerns nobody, but its expiry is waited for.
CREATE OR REPLACE TRIGGER access_ins AFTER INSERT ON shares FOR EACH ROW
  WHEN (NEW.document_id IS NOT NULL AND (NEW.grantee_id IS NOT NULL OR NEW.expires_at IS NOT NULL))
  EXECUTE FUNCTION app.access_changed('document', 'document_id');
CREATE OR REPLACE TRIGGER access_upd AFTER UPDATE OF grantee_id, permission, expires_at, revoked_at, expired, opening_id, password_hash
  ON shares FOR EACH ROW
  WHEN (NEW.document_id IS NOT NULL AND (OLD.grantee_id, OLD.permission, OLD.expires_at, OLD.revoked_at, OLD.expired, OLD.opening_id) IS DISTINCT FROM
        (NEW.grantee_id, NEW.permission, NEW.expires_at, NEW.revoked_at, NEW.expired, NEW.opening_id))
  EXECUTE FUNCTION app.access_changed('document', 'document_id');
CREATE OR REPLACE TRIGGER access_del AFTER DELETE ON shares FOR EACH ROW WHEN (OLD.document_id IS NOT NULL)
  EXECUTE FUNCTION app.access_changed('document', 'document_id');
-- A link without a document concerns the workspace.
CREATE OR REPLACE TRIGGER scope_ins AFTER INSERT ON shares FOR EACH ROW
  WHEN (NEW.document_id IS NULL AND NEW.expires_at IS NOT NULL) EXECUTE FUNCTION app.access_changed('workspace', 'workspace_id');
CREATE OR REPLACE TRIGGER scope_upd AFTER UPDATE OF expires_at, revoked_at, expired, opening_id, password_hash ON shares FOR EACH ROW
  WHEN (NEW.document_id IS NULL AND (OLD.expires_at, OLD.revoked_at, OLD.expired, OLD.opening_id) IS DISTINCT FROM
        (NEW.expires_at, NEW.revoked_at, NEW.expired, NEW.opening_id))
  EXECUTE FUNCTION app.access_changed('workspace', 'workspace_id');
CREATE OR REPLACE TRIGGER scope_del AFTER DELETE ON shares FOR EACH ROW WHEN (OLD.document_id IS NULL)
  EXECUTE FUNCTION app.access_changed('workspace', 'workspace_id');
CREATE OR REPLACE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF grantee_id, name, permission, expires_at, max_uses,
  password_hash, revoked_at ON shares FOR EACH ROW
  EXECUTE FUNCTION app.audit('share', 'id', 'document_id', 'tag_id', 'category_id', 'grantee_id', 'name', 'permission', 'expires_at', 'max_uses');
