DROP POLICY IF EXISTS internal ON history_segments;
CREATE POLICY internal ON history_segments TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS via_document ON history_segments;
CREATE POLICY via_document ON history_segments FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = history_segments.document_id));
