DROP POLICY IF EXISTS internal ON sync_meta;
CREATE POLICY internal ON sync_meta FOR SELECT TO app_service, app_admin USING (true);
