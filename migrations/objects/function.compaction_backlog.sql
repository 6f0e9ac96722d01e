-- Documents whose room died before it was folded, longest tail first.
CREATE OR REPLACE FUNCTION app.compaction_backlog(p_least bigint DEFAULT 1, p_limit integer DEFAULT 100)
RETURNS TABLE (document_id uuid, pending bigint) LANGUAGE sql STABLE AS $$
  SELECT h.document_id, h.head_seq - d.yjs_clock FROM document_heads h JOIN documents d ON d.id = h.document_id
  WHERE h.head_seq - d.yjs_clock >= p_least AND d.deleted_at IS NULL ORDER BY 2 DESC, 1 LIMIT p_limit $$;
REVOKE EXECUTE ON FUNCTION app.compaction_backlog(bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.compaction_backlog(bigint, integer) TO app_service, app_admin;
