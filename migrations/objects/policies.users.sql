DROP POLICY IF EXISTS internal ON users;
CREATE POLICY internal ON users TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS self_or_peer ON users;
CREATE POLICY self_or_peer ON users FOR SELECT TO app_readwrite, app_readonly
  USING (id = (SELECT app.user_id()) OR id = ANY ((SELECT app.peer_ids())::uuid[]));
DROP POLICY IF EXISTS self_update ON users;
CREATE POLICY self_update ON users FOR UPDATE TO app_readwrite USING (id = (SELECT app.user_id()));
