DROP POLICY IF EXISTS internal ON pictures;
CREATE POLICY internal ON pictures TO app_service, app_admin USING (true) WITH CHECK (true);
