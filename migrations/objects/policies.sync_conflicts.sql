DROP POLICY IF EXISTS internal ON sync_conflicts;
CREATE POLICY internal ON sync_conflicts TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS via_document ON sync_conflicts;
CREATE POLICY via_document ON sync_conflicts FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = sync_conflicts.document_id));
DROP POLICY IF EXISTS own_insert ON sync_conflicts;
CREATE POLICY own_insert ON sync_conflicts FOR INSERT TO app_readwrite
  WITH CHECK (user_id = app.user_id()
              AND (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[])
                   OR document_id = ANY ((SELECT app.shared_documents('write'))::uuid[])));
