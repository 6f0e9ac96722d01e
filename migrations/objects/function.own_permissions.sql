CREATE OR REPLACE FUNCTION app.own_permissions(p_workspace uuid) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce((SELECT app.effective_permissions(role, permissions) FROM workspace_members
                   WHERE workspace_id = p_workspace AND user_id = app.user_id() AND is_active), '{}') $$;
REVOKE EXECUTE ON FUNCTION app.own_permissions(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.own_permissions(uuid) TO app_readonly, app_readwrite, app_service, app_admin;
