DROP POLICY IF EXISTS internal ON presence;
CREATE POLICY internal ON presence TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS via_document ON presence;
CREATE POLICY via_document ON presence FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = presence.document_id));
