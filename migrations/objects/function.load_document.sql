-- State and pending tail in one statement, hence of one snapshot: never torn by a compaction that runs meanwhile.
CREATE OR REPLACE FUNCTION app.load_document(p_document uuid)
RETURNS TABLE (workspace_id uuid, type document_type, generation bigint, yjs_state bytea, yjs_clock bigint,
               head_seq bigint, pending bytea[]) LANGUAGE sql STABLE AS $$
  SELECT d.workspace_id, d.type, d.generation, d.yjs_state, d.yjs_clock, h.head_seq,
         ARRAY(SELECT u.payload FROM document_updates u WHERE u.document_id = d.id AND u.seq > d.yjs_clock ORDER BY u.seq)
  FROM documents d JOIN document_heads h ON h.document_id = d.id WHERE d.id = p_document AND d.deleted_at IS NULL $$;
REVOKE EXECUTE ON FUNCTION app.load_document(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.load_document(uuid) TO app_readonly, app_readwrite, app_service, app_admin;
