DROP POLICY IF EXISTS internal ON document_generations;
CREATE POLICY internal ON document_generations TO app_service, app_admin USING (true) WITH CHECK (true);
