-- The caller's standing in a workspace: no row where it is absent, deleted, or nothing of it is theirs.
CREATE OR REPLACE FUNCTION app.standing(p_workspace uuid) RETURNS TABLE (role text, permissions text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  permissions := app.workspace_permissions(p_workspace);
  IF permissions = '{}' THEN RETURN; END IF;
  SELECT m.role::text INTO role FROM workspace_members m
    WHERE m.workspace_id = p_workspace AND m.user_id = app.user_id() AND m.is_active;
  RETURN NEXT;
END $$;
REVOKE EXECUTE ON FUNCTION app.standing(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.standing(uuid) TO app_readonly, app_readwrite, app_service, app_admin;
