DROP POLICY IF EXISTS internal ON share_openings;
CREATE POLICY internal ON share_openings TO app_service, app_admin USING (true) WITH CHECK (true);
