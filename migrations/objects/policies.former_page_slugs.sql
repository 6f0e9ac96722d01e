DROP POLICY IF EXISTS internal ON former_page_slugs;
CREATE POLICY internal ON former_page_slugs TO app_service, app_admin USING (true) WITH CHECK (true);
