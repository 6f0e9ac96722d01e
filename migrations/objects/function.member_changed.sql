-- Everybody hears of the member; the member, of the workspace that is to be fetched or dropped.
CREATE OR REPLACE FUNCTION app.member_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  place uuid := coalesce(NEW.workspace_id, OLD.workspace_id);
  person uuid := coalesce(NEW.user_id, OLD.user_id);
  was boolean := false; is_now boolean := false; read boolean := false; reads boolean := false; fields text[];
BEGIN
  IF TG_OP <> 'INSERT' THEN
    was := OLD.is_active;
    read := was AND 'can_read' = ANY (app.effective_permissions(OLD.role, OLD.permissions));
  END IF;
  IF TG_OP <> 'DELETE' THEN
    is_now := NEW.is_active;
    reads := is_now AND 'can_read' = ANY (app.effective_permissions(NEW.role, NEW.permissions));
  END IF;
  IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM workspaces WHERE id = place) THEN RETURN NULL; END IF;
  IF TG_OP = 'UPDATE' THEN
    fields := array_remove(ARRAY[
      CASE WHEN NEW.role <> OLD.role THEN 'role' END,
      CASE WHEN NEW.permissions <> OLD.permissions THEN 'permissions' END,
      CASE WHEN NEW.is_active <> OLD.is_active THEN 'is_active' END], NULL);
    IF fields = '{}' THEN RETURN NULL; END IF;
  END IF;
  IF was OR is_now THEN
    PERFORM app.record_change(place, 'member', person, NULL,
      CASE WHEN NOT was THEN 'create' WHEN NOT is_now THEN 'delete' ELSE 'update' END::change_operation, fields);
  END IF;
  IF read OR reads THEN
    PERFORM app.record_change(place, 'workspace', place, NULL,
      CASE WHEN NOT read THEN 'create' WHEN NOT reads THEN 'delete' ELSE 'update' END::change_operation,
      ARRAY['access'], p_target => person);
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.member_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.member_changed() TO app_service, app_admin;
