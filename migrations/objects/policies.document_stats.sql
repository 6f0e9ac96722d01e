DROP POLICY IF EXISTS internal ON document_stats;
CREATE POLICY internal ON document_stats TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS via_document ON document_stats;
CREATE POLICY via_document ON document_stats FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = document_stats.document_id));
