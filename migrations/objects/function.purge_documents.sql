-- Deletes for good what has been in the trash, or in a deleted workspace, for p_days, and what has expired; -> how many.
-- Into the archive first.
CREATE OR REPLACE FUNCTION app.purge_documents(p_days integer DEFAULT 30, p_limit integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE ids uuid[];
BEGIN
  PERFORM app.expire_documents(p_limit);  -- a server of the version before has no job for it
  SELECT array_agg(id) INTO ids FROM (
    SELECT id FROM documents WHERE deleted_at < now() - make_interval(days => p_days)
      OR workspace_id IN (SELECT w.id FROM workspaces w
                          WHERE w.deleted_at < now() - make_interval(days => p_days) AND w.kind <> 'playground')
    ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED) due;
  -- In the order in which a move takes them.
  PERFORM FROM workspace_usage WHERE workspace_id IN (SELECT workspace_id FROM documents WHERE id = ANY (ids))
    ORDER BY workspace_id FOR NO KEY UPDATE;
  INSERT INTO document_archive (document_id, workspace_id, name, title, description, type, content, yjs_state, pending,
      content_encrypted, encryption, metadata, settings, tags, created_by, created_at, deleted_by, deleted_at)
    SELECT d.id, d.workspace_id, d.name, d.title, d.description, d.type::text, d.content, d.yjs_state,
      ARRAY(SELECT u.payload FROM document_updates u WHERE u.document_id = d.id AND u.seq > d.yjs_clock ORDER BY u.seq),
      d.content_encrypted, d.encryption, d.metadata, d.settings,
      ARRAY(SELECT t.name FROM document_tags x JOIN tags t ON t.id = x.tag_id WHERE x.document_id = d.id ORDER BY 1),
      d.created_by, d.created_at, d.deleted_by, d.deleted_at
    FROM documents d WHERE d.id = ANY (ids) ON CONFLICT (document_id) DO NOTHING;
  DELETE FROM documents WHERE id = ANY (ids);
  RETURN coalesce(cardinality(ids), 0);
END $$;
REVOKE EXECUTE ON FUNCTION app.purge_documents(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.purge_documents(integer, integer) TO app_service, app_admin;
