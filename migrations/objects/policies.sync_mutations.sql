DROP POLICY IF EXISTS internal ON sync_mutations;
CREATE POLICY internal ON sync_mutations TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS own ON sync_mutations;
CREATE POLICY own ON sync_mutations TO app_readwrite
  USING (user_id = app.user_id()) WITH CHECK (user_id = app.user_id());
