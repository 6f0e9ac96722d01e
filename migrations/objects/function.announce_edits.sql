-- Writes an entry of the feed for each of the documents with edits that no entry tells of; the next edit writes one again.
-- Returns the documents of which everything is told, also those that are gone. One locked by another transaction is left out.
CREATE OR REPLACE FUNCTION app.announce_edits(p_documents uuid[]) RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE free uuid[];
BEGIN
  -- Of a move at the same time this sees the end, as app.edits_announced does.
  free := ARRAY(
    SELECT h.document_id FROM document_heads h JOIN documents d ON d.id = h.document_id
    WHERE h.document_id = ANY (p_documents) ORDER BY h.document_id
    FOR NO KEY UPDATE OF h SKIP LOCKED FOR KEY SHARE OF d SKIP LOCKED);
  PERFORM app.record_change(d.workspace_id, 'document', d.id, d.id, 'update', ARRAY['content'],
                            p_actor => u.actor_id, p_device => u.device_id)
    FROM document_heads h JOIN documents d ON d.id = h.document_id
      LEFT JOIN document_updates u ON u.document_id = h.document_id AND u.seq = h.head_seq
    WHERE h.document_id = ANY (free) AND h.head_seq > h.announced_seq AND d.deleted_at IS NULL;
  UPDATE document_heads SET announced_seq = NULL WHERE document_id = ANY (free) AND announced_seq IS NOT NULL;
  RETURN free || ARRAY(SELECT p.id FROM unnest(p_documents) p (id)
                       WHERE NOT EXISTS (SELECT FROM document_heads h WHERE h.document_id = p.id));
END $$;
REVOKE EXECUTE ON FUNCTION app.announce_edits(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.announce_edits(uuid[]) TO app_service, app_admin;
