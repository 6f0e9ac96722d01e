DROP POLICY IF EXISTS internal ON role_permissions;
CREATE POLICY internal ON role_permissions TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS read ON role_permissions;
CREATE POLICY read ON role_permissions FOR SELECT TO app_readwrite, app_readonly USING (true);
