DROP POLICY IF EXISTS internal ON document_search;
CREATE POLICY internal ON document_search TO app_service, app_admin USING (true) WITH CHECK (true);
