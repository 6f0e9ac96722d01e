DROP POLICY IF EXISTS internal ON connect_epochs;
CREATE POLICY internal ON connect_epochs TO app_service USING (true) WITH CHECK (true);
