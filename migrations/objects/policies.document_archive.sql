DROP POLICY IF EXISTS internal ON document_archive;
CREATE POLICY internal ON document_archive TO app_service, app_admin USING (true) WITH CHECK (true);
