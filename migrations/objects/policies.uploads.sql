DROP POLICY IF EXISTS internal ON uploads;
CREATE POLICY internal ON uploads TO app_service, app_admin USING (true) WITH CHECK (true);
-- Guests have no account: whoever knows the random id of a guest's upload goes on with it.
DROP POLICY IF EXISTS own ON uploads;
CREATE POLICY own ON uploads TO app_readwrite
  USING (uploaded_by IS NOT DISTINCT FROM (SELECT app.user_id())
         AND (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[])
              OR document_id = ANY ((SELECT app.shared_documents('write'))::uuid[])))
  WITH CHECK (uploaded_by IS NOT DISTINCT FROM (SELECT app.user_id())
              AND (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[])
                   OR document_id = ANY ((SELECT app.shared_documents('write'))::uuid[])));
