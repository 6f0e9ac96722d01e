DROP POLICY IF EXISTS internal ON attachments;
CREATE POLICY internal ON attachments TO app_service, app_admin USING (true) WITH CHECK (true);
-- Whoever reads a document sees its pictures, also where it is public.
DROP POLICY IF EXISTS document_read ON attachments;
CREATE POLICY document_read ON attachments FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = attachments.document_id));
DROP POLICY IF EXISTS tenant_update ON attachments;
CREATE POLICY tenant_update ON attachments FOR UPDATE TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[])
         OR document_id = ANY ((SELECT app.shared_documents('write'))::uuid[]));
