DROP POLICY IF EXISTS internal ON user_activity_days;
CREATE POLICY internal ON user_activity_days TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS own ON user_activity_days;
CREATE POLICY own ON user_activity_days FOR SELECT TO app_readwrite, app_readonly
  USING (user_id = (SELECT app.user_id()));
