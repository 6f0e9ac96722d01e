DROP TRIGGER feed ON document_heads;
DROP TRIGGER feed ON document_favourites;
DROP TRIGGER feed ON workspace_members;
DROP TRIGGER feed ON workspaces;
DROP TRIGGER feed ON categories;
DROP TRIGGER feed ON tags;
DROP TRIGGER feed ON documents;
CREATE OR REPLACE FUNCTION app.append_updates(p_documents uuid[], p_payloads bytea[], p_actors uuid[] DEFAULT NULL,
                                   p_clients text[] DEFAULT NULL, p_devices text[] DEFAULT NULL)
RETURNS TABLE (document_id uuid, first_seq bigint, head_seq bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF p_documents[1] = ALL (p_documents) THEN
    RETURN QUERY
    WITH h AS (
        UPDATE document_heads t SET head_seq = t.head_seq + cardinality(p_documents) FROM documents d
        WHERE t.document_id = p_documents[1] AND d.id = p_documents[1] AND d.deleted_at IS NULL
        RETURNING t.document_id, t.head_seq - cardinality(p_documents) AS base, t.head_seq),
      i AS (
        INSERT INTO document_updates (document_id, seq, payload, actor_id, client_ids, device_id)
        SELECT h.document_id, h.base + u.position, u.payload, u.actor, u.clients::bigint[], u.device
        FROM h, unnest(p_payloads, p_actors, p_clients, p_devices)
          WITH ORDINALITY u (payload, actor, clients, device, position))
    SELECT h.document_id, h.base + 1, h.head_seq FROM h;
    RETURN;
  END IF;
  PERFORM FROM document_heads t WHERE t.document_id = ANY (p_documents) ORDER BY t.document_id FOR UPDATE;
  RETURN QUERY
  WITH u AS (
      SELECT x.*, row_number() OVER (PARTITION BY document ORDER BY position) AS offset_in_document
      FROM unnest(p_documents, p_payloads, p_actors, p_clients, p_devices)
        WITH ORDINALITY x (document, payload, actor, clients, device, position)),
    n AS (SELECT document, count(*) AS updates FROM u GROUP BY document),
    h AS (
      UPDATE document_heads t SET head_seq = t.head_seq + n.updates FROM n, documents d
      WHERE t.document_id = n.document AND d.id = n.document AND d.deleted_at IS NULL
      RETURNING t.document_id, t.head_seq - n.updates AS base, t.head_seq),
    i AS (
      INSERT INTO document_updates (document_id, seq, payload, actor_id, client_ids, device_id)
      SELECT u.document, h.base + u.offset_in_document, u.payload, u.actor, u.clients::bigint[], u.device
      FROM u JOIN h ON h.document_id = u.document)
  SELECT h.document_id, h.base + 1, h.head_seq FROM h;
END $$;
CREATE OR REPLACE FUNCTION app.compact_document(p_document uuid, p_expected_clock bigint, p_upto bigint, p_state bytea,
                                     p_vector bytea, p_content text DEFAULT NULL, p_words integer DEFAULT NULL,
                                     p_truncated boolean DEFAULT false, p_actor uuid DEFAULT NULL)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM document_heads WHERE document_id = p_document AND head_seq >= p_upto)
     OR p_upto < p_expected_clock THEN
    RETURN false;
  END IF;
  IF p_content IS NULL THEN
    UPDATE documents SET yjs_state = p_state, yjs_state_vector = p_vector, yjs_clock = p_upto
    WHERE id = p_document AND yjs_clock = p_expected_clock;
  ELSE
    UPDATE documents SET yjs_state = p_state, yjs_state_vector = p_vector, yjs_clock = p_upto, content = p_content,
      content_truncated = p_truncated, word_count = p_words, updated_by = coalesce(p_actor, updated_by)
    WHERE id = p_document AND yjs_clock = p_expected_clock;
  END IF;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM document_updates WHERE document_id = p_document AND seq <= p_upto;
  RETURN true;
END $$;
ALTER TABLE document_heads DROP announced_seq;
DROP FUNCTION app.edits_announced(), app.favourite_changed(), app.member_changed(), app.workspace_changed(),
  app.entity_changed(), app.document_changed(),
  app.record_change(uuid, text, uuid, uuid, change_operation, text[], text, bigint, uuid, uuid, text),
  app.purge_sync_log(integer, integer), app.sync_lag(), app.sync_check_epoch(), app.sync_position();
DROP TABLE sync_meta, sync_floors, sync_log;
DROP FUNCTION app.sync_history();
DROP TYPE change_operation;
