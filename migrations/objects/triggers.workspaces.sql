CREATE OR REPLACE TRIGGER touch BEFORE UPDATE ON workspaces
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION app.touch();
CREATE OR REPLACE TRIGGER workspaces_10_owner AFTER INSERT ON workspaces
  FOR EACH ROW EXECUTE FUNCTION app.workspace_after_insert();
CREATE OR REPLACE TRIGGER workspaces_before BEFORE UPDATE ON workspaces
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION app.workspaces_before();
-- A workspace that is erased takes its documents along: each of them tells.
CREATE OR REPLACE TRIGGER access_upd AFTER UPDATE OF archived_at, deleted_at, owner_id, kind ON workspaces FOR EACH ROW
  WHEN ((OLD.archived_at IS NULL, OLD.deleted_at IS NULL, OLD.owner_id, OLD.kind) IS DISTINCT FROM
        (NEW.archived_at IS NULL, NEW.deleted_at IS NULL, NEW.owner_id, NEW.kind))
  EXECUTE FUNCTION app.access_changed('workspace', 'id');
CREATE OR REPLACE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON workspaces FOR EACH ROW EXECUTE FUNCTION app.audit(
  'workspace', 'id', 'name', 'slug', 'kind', 'owner_id', 'member_limit', 'storage_limit_bytes');
CREATE OR REPLACE TRIGGER feed AFTER UPDATE ON workspaces FOR EACH ROW
  WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION app.workspace_changed();
CREATE OR REPLACE TRIGGER former_slug AFTER UPDATE OF slug, deleted_at OR DELETE ON workspaces
  FOR EACH ROW EXECUTE FUNCTION app.keep_former_slug();
CREATE OR REPLACE TRIGGER picture AFTER UPDATE OF icon ON workspaces FOR EACH ROW
  WHEN (OLD.icon IS DISTINCT FROM NEW.icon) EXECUTE FUNCTION app.keep_picture();
