DROP POLICY IF EXISTS internal ON document_favourites;
CREATE POLICY internal ON document_favourites TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS own ON document_favourites;
CREATE POLICY own ON document_favourites TO app_readwrite
  USING (user_id = (SELECT app.user_id()))
  WITH CHECK (user_id = (SELECT app.user_id())
              AND EXISTS (SELECT FROM documents d WHERE d.id = document_favourites.document_id));
