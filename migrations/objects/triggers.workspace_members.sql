CREATE OR REPLACE TRIGGER member_guard BEFORE INSERT OR DELETE OR UPDATE OF role, is_active, permissions ON workspace_members
  FOR EACH ROW EXECUTE FUNCTION app.member_guard();
CREATE OR REPLACE TRIGGER member_rights BEFORE INSERT OR DELETE OR UPDATE OF role, permissions, is_active ON workspace_members
  FOR EACH ROW EXECUTE FUNCTION app.member_rights();
CREATE OR REPLACE TRIGGER member_removed AFTER DELETE ON workspace_members FOR EACH ROW EXECUTE FUNCTION app.member_gone();
CREATE OR REPLACE TRIGGER member_suspended AFTER UPDATE OF is_active ON workspace_members
  FOR EACH ROW WHEN (OLD.is_active AND NOT NEW.is_active) EXECUTE FUNCTION app.member_gone();
CREATE OR REPLACE TRIGGER access_ins_del AFTER INSERT OR DELETE ON workspace_members
  FOR EACH ROW EXECUTE FUNCTION app.access_changed('user', 'user_id');
CREATE OR REPLACE TRIGGER access_upd AFTER UPDATE OF role, permissions, is_active ON workspace_members FOR EACH ROW
  WHEN ((OLD.role, OLD.permissions, OLD.is_active) IS DISTINCT FROM (NEW.role, NEW.permissions, NEW.is_active))
  EXECUTE FUNCTION app.access_changed('user', 'user_id');
CREATE OR REPLACE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF role, permissions, is_active ON workspace_members
  FOR EACH ROW EXECUTE FUNCTION app.audit('member', 'user_id', 'role', 'permissions', 'is_active');
CREATE OR REPLACE TRIGGER feed AFTER INSERT OR DELETE OR UPDATE OF role, permissions, is_active ON workspace_members
  FOR EACH ROW EXECUTE FUNCTION app.member_changed();
CREATE OR REPLACE TRIGGER notify_added AFTER INSERT ON workspace_members FOR EACH ROW EXECUTE FUNCTION app.notify_member();
CREATE OR REPLACE TRIGGER notify_changed AFTER UPDATE OF role, is_active ON workspace_members FOR EACH ROW
  WHEN ((OLD.role, OLD.is_active) IS DISTINCT FROM (NEW.role, NEW.is_active)) EXECUTE FUNCTION app.notify_member();
