DROP POLICY IF EXISTS internal ON devices;
CREATE POLICY internal ON devices TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS own ON devices;
CREATE POLICY own ON devices TO app_readwrite, app_readonly
  USING (user_id = (SELECT app.user_id())) WITH CHECK (user_id = (SELECT app.user_id()));
