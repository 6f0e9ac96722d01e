DROP POLICY IF EXISTS internal ON sessions;
CREATE POLICY internal ON sessions TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS own ON sessions;
CREATE POLICY own ON sessions TO app_readwrite, app_readonly USING (user_id = (SELECT app.user_id()));
