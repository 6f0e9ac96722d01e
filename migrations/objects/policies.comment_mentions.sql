DROP POLICY IF EXISTS internal ON comment_mentions;
CREATE POLICY internal ON comment_mentions TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS via_comment ON comment_mentions;
CREATE POLICY via_comment ON comment_mentions FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM comments c WHERE c.id = comment_mentions.comment_id));
DROP POLICY IF EXISTS tenant_write ON comment_mentions;
CREATE POLICY tenant_write ON comment_mentions FOR INSERT TO app_readwrite
  WITH CHECK (EXISTS (SELECT FROM comments c WHERE c.id = comment_id
              AND (c.workspace_id = ANY ((SELECT app.workspace_ids('can_comment'))::uuid[])
                   OR c.document_id = ANY ((SELECT app.shared_documents('comment'))::uuid[]))));
DROP POLICY IF EXISTS tenant_delete ON comment_mentions;
CREATE POLICY tenant_delete ON comment_mentions FOR DELETE TO app_readwrite
  USING (EXISTS (SELECT FROM comments c WHERE c.id = comment_id
         AND (c.workspace_id = ANY ((SELECT app.workspace_ids('can_comment'))::uuid[])
                   OR c.document_id = ANY ((SELECT app.shared_documents('comment'))::uuid[]))));
