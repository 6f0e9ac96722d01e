DROP POLICY IF EXISTS internal ON document_edit_times;
CREATE POLICY internal ON document_edit_times TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS via_document ON document_edit_times;
CREATE POLICY via_document ON document_edit_times FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = document_edit_times.document_id));
