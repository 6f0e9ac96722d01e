DROP POLICY IF EXISTS internal ON user_credentials;
CREATE POLICY internal ON user_credentials TO app_service USING (true) WITH CHECK (true);
