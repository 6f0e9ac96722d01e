DROP POLICY IF EXISTS internal ON document_views;
CREATE POLICY internal ON document_views TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS own ON document_views;
CREATE POLICY own ON document_views FOR SELECT TO app_readwrite USING (user_id = (SELECT app.user_id()));
