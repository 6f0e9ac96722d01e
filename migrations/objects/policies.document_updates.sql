DROP POLICY IF EXISTS internal ON document_updates;
CREATE POLICY internal ON document_updates TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS via_document ON document_updates;
CREATE POLICY via_document ON document_updates FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = document_updates.document_id));
