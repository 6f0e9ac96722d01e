DROP POLICY IF EXISTS internal ON sync_floors;
CREATE POLICY internal ON sync_floors FOR SELECT TO app_service, app_admin USING (true);
DROP POLICY IF EXISTS tenant_read ON sync_floors;
CREATE POLICY tenant_read ON sync_floors FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[])
         OR workspace_id = ANY ((SELECT app.sharing_workspaces())::uuid[]));
