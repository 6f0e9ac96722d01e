DROP POLICY IF EXISTS internal ON subscriptions;
CREATE POLICY internal ON subscriptions TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS own_read ON subscriptions;
CREATE POLICY own_read ON subscriptions FOR SELECT TO app_readonly USING (user_id = (SELECT app.user_id()));
DROP POLICY IF EXISTS own ON subscriptions;
CREATE POLICY own ON subscriptions TO app_readwrite
  USING (user_id = (SELECT app.user_id()))
  WITH CHECK (user_id = (SELECT app.user_id()) AND CASE
    WHEN document_id IS NOT NULL THEN EXISTS (SELECT FROM documents d WHERE d.id = subscriptions.document_id)
    ELSE workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]) END);
