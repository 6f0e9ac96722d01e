DROP POLICY IF EXISTS internal ON sign_in_links;
CREATE POLICY internal ON sign_in_links TO app_service USING (true) WITH CHECK (true);
