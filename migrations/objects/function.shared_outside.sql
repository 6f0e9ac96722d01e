-- The documents that are shared with the caller and in none of these workspaces.
CREATE OR REPLACE FUNCTION app.shared_outside(p_workspaces uuid[]) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT ARRAY(SELECT id FROM documents
               WHERE id = ANY (app.shared_documents('read')) AND workspace_id <> ALL (p_workspaces) ORDER BY id) $$;
REVOKE EXECUTE ON FUNCTION app.shared_outside(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.shared_outside(uuid[]) TO app_readonly, app_readwrite, app_service, app_admin;
