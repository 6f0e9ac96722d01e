DROP POLICY IF EXISTS internal ON user_settings;
CREATE POLICY internal ON user_settings TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS own ON user_settings;
CREATE POLICY own ON user_settings TO app_readwrite, app_readonly
  USING (user_id = (SELECT app.user_id())) WITH CHECK (user_id = (SELECT app.user_id()));
