DROP POLICY IF EXISTS internal ON workspace_usage;
CREATE POLICY internal ON workspace_usage TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS tenant_read ON workspace_usage;
CREATE POLICY tenant_read ON workspace_usage FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]));
