DROP POLICY IF EXISTS internal ON document_versions;
CREATE POLICY internal ON document_versions TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS via_document ON document_versions;
CREATE POLICY via_document ON document_versions FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = document_versions.document_id));
