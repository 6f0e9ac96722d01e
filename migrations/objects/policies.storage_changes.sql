DROP POLICY IF EXISTS internal ON storage_changes;
CREATE POLICY internal ON storage_changes TO app_service, app_admin USING (true) WITH CHECK (true);
