DROP POLICY doc_read ON documents;
CREATE POLICY doc_read ON documents FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]) OR (is_public AND deleted_at IS NULL));
CREATE OR REPLACE FUNCTION app.document_permission(p_document uuid) RETURNS share_permission
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT CASE WHEN d.workspace_id = ANY (app.workspace_ids('can_delete_documents')) THEN 'admin'
              WHEN d.workspace_id = ANY (app.workspace_ids('can_edit_documents')) THEN 'write'
              WHEN d.workspace_id = ANY (app.workspace_ids('can_comment')) THEN 'comment'
              WHEN d.workspace_id = ANY (app.workspace_ids('can_read')) OR d.is_public THEN 'read' END::share_permission
  FROM documents d WHERE d.id = p_document AND d.deleted_at IS NULL $$;
DROP FUNCTION app.workspace_is_there(uuid);
