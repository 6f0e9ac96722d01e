-- One call is one group commit; the arrays are parallel, p_clients has array literals ('{1,2}'), for a driver cannot
-- send arrays of unequal arrays. Heads are locked in the order of their ids, so servers never deadlock, and to the end
-- of the transaction, so within a document the order of seq is the order of commits, without gaps. A document that is
-- gone or deleted yields no row: its caller closes that room.
CREATE OR REPLACE FUNCTION app.append_updates(p_documents uuid[], p_payloads bytea[], p_actors uuid[] DEFAULT NULL,
                                   p_clients text[] DEFAULT NULL, p_devices text[] DEFAULT NULL)
RETURNS TABLE (document_id uuid, first_seq bigint, head_seq bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF p_documents[1] = ALL (p_documents) THEN
    RETURN QUERY
    WITH h AS (
        UPDATE document_heads t SET head_seq = t.head_seq + cardinality(p_documents),
          announced_seq = coalesce(t.announced_seq, t.head_seq + cardinality(p_documents)) FROM documents d
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
      UPDATE document_heads t SET head_seq = t.head_seq + n.updates,
        announced_seq = coalesce(t.announced_seq, t.head_seq + n.updates) FROM n, documents d
      WHERE t.document_id = n.document AND d.id = n.document AND d.deleted_at IS NULL
      RETURNING t.document_id, t.head_seq - n.updates AS base, t.head_seq),
    i AS (
      INSERT INTO document_updates (document_id, seq, payload, actor_id, client_ids, device_id)
      SELECT u.document, h.base + u.offset_in_document, u.payload, u.actor, u.clients::bigint[], u.device
      FROM u JOIN h ON h.document_id = u.document)
  SELECT h.document_id, h.base + 1, h.head_seq FROM h;
END $$;
REVOKE EXECUTE ON FUNCTION app.append_updates(uuid[], bytea[], uuid[], text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.append_updates(uuid[], bytea[], uuid[], text[], text[]) TO app_service, app_admin;
