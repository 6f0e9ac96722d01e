DROP POLICY IF EXISTS internal ON document_heads;
CREATE POLICY internal ON document_heads TO app_service, app_admin USING (true) WITH CHECK (true);
-- the document's own policy decides about its children
DROP POLICY IF EXISTS via_document ON document_heads;
CREATE POLICY via_document ON document_heads FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = document_heads.document_id));
