DROP POLICY IF EXISTS internal ON access_requests;
CREATE POLICY internal ON access_requests TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS request_read ON access_requests;
CREATE POLICY request_read ON access_requests FOR SELECT TO app_readwrite, app_readonly
  USING (user_id = (SELECT app.user_id()) OR (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[])
         OR document_id = ANY ((SELECT app.shared_documents('admin'))::uuid[])));
