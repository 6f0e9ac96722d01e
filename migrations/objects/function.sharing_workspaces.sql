-- The workspaces that have the documents shared with the caller.
CREATE OR REPLACE FUNCTION app.sharing_workspaces() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT ARRAY(SELECT DISTINCT workspace_id FROM documents WHERE id = ANY (app.shared_documents('read'))) $$;
REVOKE EXECUTE ON FUNCTION app.sharing_workspaces() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.sharing_workspaces() TO app_readonly, app_readwrite, app_service, app_admin;
