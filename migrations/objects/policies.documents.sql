DROP POLICY IF EXISTS internal ON documents;
CREATE POLICY internal ON documents TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS doc_read ON documents;
CREATE POLICY doc_read ON documents FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[])
         OR (is_public AND deleted_at IS NULL AND app.workspace_is_there(workspace_id))
         OR id = ANY ((SELECT app.shared_documents('read'))::uuid[]));
DROP POLICY IF EXISTS doc_create ON documents;
CREATE POLICY doc_create ON documents FOR INSERT TO app_readwrite
  WITH CHECK (workspace_id = ANY ((SELECT app.workspace_ids('can_create_documents'))::uuid[])
              AND created_by IS NOT DISTINCT FROM (SELECT app.user_id()));
DROP POLICY IF EXISTS doc_update ON documents;
CREATE POLICY doc_update ON documents FOR UPDATE TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[])
         OR workspace_id = ANY ((SELECT app.workspace_ids('can_delete_documents'))::uuid[])
         OR id = ANY ((SELECT app.shared_documents('write'))::uuid[]));
DROP POLICY IF EXISTS doc_delete ON documents;
CREATE POLICY doc_delete ON documents FOR DELETE TO app_readwrite
  USING (deleted_at IS NOT NULL AND (workspace_id = ANY ((SELECT app.workspace_ids('can_delete_documents'))::uuid[])
         OR (created_by = (SELECT app.user_id())
             AND workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]))
         OR id = ANY ((SELECT app.shared_documents('admin'))::uuid[])));
-- In the trash a document is not expired: who may bring it back sees it there.
DROP POLICY IF EXISTS doc_not_expired ON documents;
CREATE POLICY doc_not_expired ON documents AS RESTRICTIVE FOR SELECT TO app_readonly, app_readwrite
  USING (deleted_at IS NOT NULL OR expires_at IS NULL OR expires_at > now());
