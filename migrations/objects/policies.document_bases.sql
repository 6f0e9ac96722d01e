DROP POLICY IF EXISTS internal ON document_bases;
CREATE POLICY internal ON document_bases TO app_service, app_admin USING (true) WITH CHECK (true);
