-- SECURITY DEFINER: who reads a public document need not see its workspace.
CREATE OR REPLACE FUNCTION app.workspace_is_there(p_workspace uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM workspaces WHERE id = p_workspace AND deleted_at IS NULL) $$;
REVOKE EXECUTE ON FUNCTION app.workspace_is_there(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.workspace_is_there(uuid) TO app_readonly, app_readwrite, app_service, app_admin;
