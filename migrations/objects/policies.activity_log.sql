DROP POLICY IF EXISTS internal ON activity_log;
CREATE POLICY internal ON activity_log TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS activity_read ON activity_log;
CREATE POLICY activity_read ON activity_log FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_manage_workspace'))::uuid[])
         OR workspace_id IS NULL AND entity_type IN ('session', 'access_token') AND actor_id = (SELECT app.user_id()));
DROP POLICY IF EXISTS administrators_read ON activity_log;
CREATE POLICY administrators_read ON activity_log FOR SELECT TO app_readwrite, app_readonly
  USING ((SELECT app.is_server_administrator()));
