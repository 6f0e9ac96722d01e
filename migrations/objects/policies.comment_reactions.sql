DROP POLICY IF EXISTS internal ON comment_reactions;
CREATE POLICY internal ON comment_reactions TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS via_comment ON comment_reactions;
CREATE POLICY via_comment ON comment_reactions FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM comments c WHERE c.id = comment_reactions.comment_id));
DROP POLICY IF EXISTS own_write ON comment_reactions;
CREATE POLICY own_write ON comment_reactions FOR INSERT TO app_readwrite
  WITH CHECK (user_id = (SELECT app.user_id()) AND EXISTS (SELECT FROM comments c WHERE c.id = comment_id
              AND (c.workspace_id = ANY ((SELECT app.workspace_ids('can_comment'))::uuid[])
                   OR c.document_id = ANY ((SELECT app.shared_documents('comment'))::uuid[]))));
DROP POLICY IF EXISTS own_delete ON comment_reactions;
CREATE POLICY own_delete ON comment_reactions FOR DELETE TO app_readwrite USING (user_id = (SELECT app.user_id()));
