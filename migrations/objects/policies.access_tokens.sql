DROP POLICY IF EXISTS internal ON access_tokens;
CREATE POLICY internal ON access_tokens TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS own ON access_tokens;
CREATE POLICY own ON access_tokens TO app_readwrite, app_readonly
  USING (user_id = (SELECT app.user_id())) WITH CHECK (user_id = (SELECT app.user_id()));
