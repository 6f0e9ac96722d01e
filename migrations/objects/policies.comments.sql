DROP POLICY IF EXISTS internal ON comments;
CREATE POLICY internal ON comments TO app_service, app_admin USING (true) WITH CHECK (true);
-- Who reads a document only because it is public does not read the discussion of it.
DROP POLICY IF EXISTS tenant_read ON comments;
CREATE POLICY tenant_read ON comments FOR SELECT TO app_readwrite, app_readonly
  USING ((workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[])
          OR document_id = ANY ((SELECT app.shared_documents('read'))::uuid[]))
         AND EXISTS (SELECT FROM documents d WHERE d.id = comments.document_id));
DROP POLICY IF EXISTS tenant_create ON comments;
CREATE POLICY tenant_create ON comments FOR INSERT TO app_readwrite
  WITH CHECK ((workspace_id = ANY ((SELECT app.workspace_ids('can_comment'))::uuid[])
               OR document_id = ANY ((SELECT app.shared_documents('comment'))::uuid[]))
              AND CASE author_kind WHEN 'app_user' THEN author_id IS NULL
                  ELSE author_id IS NOT DISTINCT FROM (SELECT app.user_id()) END);
DROP POLICY IF EXISTS tenant_update ON comments;
CREATE POLICY tenant_update ON comments FOR UPDATE TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_comment'))::uuid[])
         OR document_id = ANY ((SELECT app.shared_documents('comment'))::uuid[]));
