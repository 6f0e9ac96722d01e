-- Public documents of a deleted workspace are not readable.

-- SECURITY DEFINER: who reads a public document need not see its workspace.
CREATE FUNCTION app.workspace_is_there(p_workspace uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM workspaces WHERE id = p_workspace AND deleted_at IS NULL) $$;

CREATE OR REPLACE FUNCTION app.document_permission(p_document uuid) RETURNS share_permission
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT CASE WHEN d.workspace_id = ANY (app.workspace_ids('can_delete_documents')) THEN 'admin'
              WHEN d.workspace_id = ANY (app.workspace_ids('can_edit_documents')) THEN 'write'
              WHEN d.workspace_id = ANY (app.workspace_ids('can_comment')) THEN 'comment'
              WHEN d.workspace_id = ANY (app.workspace_ids('can_read')) THEN 'read'
              WHEN d.is_public AND app.workspace_is_there(d.workspace_id) THEN 'read' END::share_permission
  FROM documents d WHERE d.id = p_document AND d.deleted_at IS NULL $$;
DROP POLICY doc_read ON documents;
CREATE POLICY doc_read ON documents FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[])
         OR (is_public AND deleted_at IS NULL AND app.workspace_is_there(workspace_id)));
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.workspace_is_there(uuid) TO app_readonly, app_readwrite, app_service, app_admin;
