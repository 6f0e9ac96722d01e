DROP POLICY IF EXISTS internal ON object_deletions;
CREATE POLICY internal ON object_deletions TO app_service, app_admin USING (true) WITH CHECK (true);
