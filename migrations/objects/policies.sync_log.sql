DROP POLICY IF EXISTS internal ON sync_log;
CREATE POLICY internal ON sync_log FOR SELECT TO app_service, app_admin USING (true);
DROP POLICY IF EXISTS feed_read ON sync_log;
CREATE POLICY feed_read ON sync_log FOR SELECT TO app_readwrite, app_readonly
  USING ((target_user_id IS NULL AND (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[])
                                      OR document_id = ANY ((SELECT app.shared_documents('read'))::uuid[])))
         OR target_user_id = (SELECT app.user_id()));
