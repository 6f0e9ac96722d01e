DROP POLICY IF EXISTS internal ON damaged_documents;
CREATE POLICY internal ON damaged_documents TO app_service, app_admin USING (true) WITH CHECK (true);
