DROP POLICY IF EXISTS internal ON document_renders;
CREATE POLICY internal ON document_renders TO app_service, app_admin USING (true) WITH CHECK (true);
