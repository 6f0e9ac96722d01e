DROP POLICY IF EXISTS internal ON document_tags;
CREATE POLICY internal ON document_tags TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS tenant_read ON document_tags;
CREATE POLICY tenant_read ON document_tags FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]));
DROP POLICY IF EXISTS tenant_write ON document_tags;
CREATE POLICY tenant_write ON document_tags TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]))
  WITH CHECK (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]));
