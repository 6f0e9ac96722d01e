DROP POLICY IF EXISTS internal ON suggestions;
CREATE POLICY internal ON suggestions TO app_service, app_admin USING (true) WITH CHECK (true);
-- Who reads a document only because it is public does not read what is suggested.
DROP POLICY IF EXISTS tenant_read ON suggestions;
CREATE POLICY tenant_read ON suggestions FOR SELECT TO app_readwrite, app_readonly
  USING ((workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[])
          OR document_id = ANY ((SELECT app.shared_documents('read'))::uuid[]))
         AND EXISTS (SELECT FROM documents d WHERE d.id = suggestions.document_id));
DROP POLICY IF EXISTS tenant_create ON suggestions;
CREATE POLICY tenant_create ON suggestions FOR INSERT TO app_readwrite
  WITH CHECK ((workspace_id = ANY ((SELECT app.workspace_ids('can_comment'))::uuid[])
               OR document_id = ANY ((SELECT app.shared_documents('comment'))::uuid[]))
              AND CASE author_kind WHEN 'app_user' THEN author_id IS NULL
                  ELSE author_id IS NOT DISTINCT FROM (SELECT app.user_id()) END);
DROP POLICY IF EXISTS tenant_update ON suggestions;
CREATE POLICY tenant_update ON suggestions FOR UPDATE TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[])
         OR document_id = ANY ((SELECT app.shared_documents('write'))::uuid[])
         OR (author_id = (SELECT app.user_id())
             AND (workspace_id = ANY ((SELECT app.workspace_ids('can_comment'))::uuid[])
                  OR document_id = ANY ((SELECT app.shared_documents('comment'))::uuid[]))));
DROP POLICY IF EXISTS own_delete ON suggestions;
CREATE POLICY own_delete ON suggestions FOR DELETE TO app_readwrite
  USING (author_id = (SELECT app.user_id())
         AND (workspace_id = ANY ((SELECT app.workspace_ids('can_comment'))::uuid[])
              OR document_id = ANY ((SELECT app.shared_documents('comment'))::uuid[])));
