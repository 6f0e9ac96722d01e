DROP POLICY IF EXISTS internal ON user_identities;
CREATE POLICY internal ON user_identities TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS own ON user_identities;
CREATE POLICY own ON user_identities FOR SELECT TO app_readwrite, app_readonly USING (user_id = (SELECT app.user_id()));
