DROP POLICY IF EXISTS internal ON sign_in_attempts;
CREATE POLICY internal ON sign_in_attempts TO app_service, app_admin USING (true) WITH CHECK (true);
