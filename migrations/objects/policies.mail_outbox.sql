DROP POLICY IF EXISTS internal ON mail_outbox;
CREATE POLICY internal ON mail_outbox TO app_service, app_admin USING (true) WITH CHECK (true);
