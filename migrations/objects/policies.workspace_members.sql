DROP POLICY IF EXISTS internal ON workspace_members;
CREATE POLICY internal ON workspace_members TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS tenant_read ON workspace_members;
CREATE POLICY tenant_read ON workspace_members FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]));
DROP POLICY IF EXISTS member_manage ON workspace_members;
CREATE POLICY member_manage ON workspace_members TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_manage_workspace'))::uuid[]))
  WITH CHECK (workspace_id = ANY ((SELECT app.workspace_ids('can_manage_workspace'))::uuid[]) AND role <> 'owner');
DROP POLICY IF EXISTS member_leave ON workspace_members;
CREATE POLICY member_leave ON workspace_members FOR DELETE TO app_readwrite USING (user_id = (SELECT app.user_id()));
