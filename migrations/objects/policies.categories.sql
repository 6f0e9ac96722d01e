DROP POLICY IF EXISTS internal ON categories;
CREATE POLICY internal ON categories TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS tenant_read ON categories;
CREATE POLICY tenant_read ON categories FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]));
DROP POLICY IF EXISTS tenant_write ON categories;
CREATE POLICY tenant_write ON categories TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]))
  WITH CHECK (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]));
