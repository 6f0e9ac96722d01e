DROP POLICY IF EXISTS internal ON shares;
CREATE POLICY internal ON shares TO app_service, app_admin USING (true) WITH CHECK (true);
-- People see what is shared with them; who else may open the document, only those who decide about it.
DROP POLICY IF EXISTS share_read ON shares;
CREATE POLICY share_read ON shares FOR SELECT TO app_readwrite, app_readonly
  USING (grantee_id = (SELECT app.user_id()) OR ((document_id IS NOT NULL AND workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]))
         OR document_id = ANY ((SELECT app.shared_documents('admin'))::uuid[])
         OR (document_id IS NULL AND workspace_id = ANY ((SELECT app.workspace_ids('can_invite_members'))::uuid[]))));
DROP POLICY IF EXISTS share_create ON shares;
CREATE POLICY share_create ON shares FOR INSERT TO app_readwrite
  WITH CHECK (((document_id IS NOT NULL AND workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]))
         OR document_id = ANY ((SELECT app.shared_documents('admin'))::uuid[])
         OR (document_id IS NULL AND workspace_id = ANY ((SELECT app.workspace_ids('can_invite_members'))::uuid[])))
              AND (document_id IS NULL
                   OR EXISTS (SELECT FROM documents d WHERE d.id = document_id AND d.workspace_id = shares.workspace_id)));
-- Whom a document is shared with may give it back.
DROP POLICY IF EXISTS share_update ON shares;
CREATE POLICY share_update ON shares FOR UPDATE TO app_readwrite
  USING (((document_id IS NOT NULL AND workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]))
         OR document_id = ANY ((SELECT app.shared_documents('admin'))::uuid[])
         OR (document_id IS NULL AND workspace_id = ANY ((SELECT app.workspace_ids('can_invite_members'))::uuid[]))));
