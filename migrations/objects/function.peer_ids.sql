-- People whose names the caller may see: those of the same workspaces, and those who take part in a document that is shared
-- with the caller or by the caller's workspace.
CREATE OR REPLACE FUNCTION app.peer_ids() RETURNS uuid[] LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE me uuid := app.user_id(); shared uuid[] := app.shared_documents('read'); found uuid[];
BEGIN
  found := ARRAY(
    SELECT DISTINCT other.user_id FROM workspace_members mine JOIN workspace_members other USING (workspace_id)
    WHERE mine.user_id = me AND mine.is_active
    UNION SELECT s.grantee_id FROM workspace_members mine JOIN shares s USING (workspace_id)
    WHERE mine.user_id = me AND mine.is_active AND s.grantee_id IS NOT NULL);
  IF cardinality(shared) > 0 THEN
    found := found || ARRAY(
      SELECT created_by FROM documents WHERE id = ANY (shared)
      UNION SELECT updated_by FROM documents WHERE id = ANY (shared)
      UNION SELECT author_id FROM comments WHERE document_id = ANY (shared)
      UNION SELECT resolved_by FROM comments WHERE document_id = ANY (shared)
      UNION SELECT m.user_id FROM comments c JOIN comment_mentions m ON m.comment_id = c.id WHERE c.document_id = ANY (shared)
      UNION SELECT r.user_id FROM comments c JOIN comment_reactions r ON r.comment_id = c.id WHERE c.document_id = ANY (shared)
      UNION SELECT author_id FROM suggestions WHERE document_id = ANY (shared)
      UNION SELECT uploaded_by FROM attachments WHERE document_id = ANY (shared)
      UNION SELECT grantee_id FROM shares WHERE document_id = ANY (shared)
      UNION SELECT created_by FROM shares WHERE document_id = ANY (shared));
  END IF;
  RETURN array_remove(found, NULL);
END $$;
REVOKE EXECUTE ON FUNCTION app.peer_ids() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.peer_ids() TO app_readonly, app_readwrite, app_service, app_admin;
