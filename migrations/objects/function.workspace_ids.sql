-- The roles that have a permission are looked up once, and departures from a role only where a member has some.
CREATE OR REPLACE FUNCTION app.workspace_ids(p_permission text DEFAULT 'can_read') RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  me uuid := app.user_id();
  roles workspace_role[] := ARRAY(SELECT role FROM role_permissions WHERE permission = p_permission);
  in_archives boolean := p_permission IN ('can_read', 'can_manage_workspace');
  guest text := app.setting('guest_role');
  found uuid[];
BEGIN
  found := ARRAY(
    SELECT m.workspace_id FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id
    WHERE m.user_id = me AND m.is_active AND w.deleted_at IS NULL AND (w.archived_at IS NULL OR in_archives)
      AND CASE WHEN m.permissions = '{}' THEN m.role = ANY (roles)
          ELSE CASE m.permissions -> p_permission WHEN 'true' THEN true WHEN 'false' THEN false
               ELSE m.role = ANY (roles) END END);
  IF guest IN ('viewer', 'commenter', 'editor') AND guest::workspace_role = ANY (roles) THEN
    found := found || ARRAY(
      SELECT w.id FROM workspaces w
      WHERE w.kind = 'playground' AND w.deleted_at IS NULL AND (w.archived_at IS NULL OR in_archives)
        AND w.id <> ALL (found));
  END IF;
  RETURN found;
END $$;
REVOKE EXECUTE ON FUNCTION app.workspace_ids(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.workspace_ids(text) TO app_readonly, app_readwrite, app_service, app_admin;
