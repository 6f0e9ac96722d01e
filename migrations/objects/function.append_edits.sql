-- One call is one group commit; the arrays are parallel, p_clients has array literals ('{1,2}'), for a driver cannot
-- send arrays of unequal arrays. Heads are locked in the order of their ids, so servers never deadlock, and to the end
-- of the transaction, so within a document the order of seq is the order of commits, without gaps. A document that is
-- gone, deleted or of another generation than in p_generations (NULL: any) yields no row: its caller closes that room.
-- The generation is looked up in the head, because a statement that waited for the head sees the document as it was before.
-- p_authors: NULL for edits of the users p_actors.
-- p_wait false: documents that another transaction has locked are not waited for and yield head_seq NULL. Both the head
-- and the document's own row count: the rows' foreign key locks the latter.
CREATE OR REPLACE FUNCTION app.append_edits(p_documents uuid[], p_payloads bytea[], p_checksums bigint[], p_actors uuid[],
                                p_clients text[], p_devices text[], p_authors text[], p_generations bigint[], p_wait boolean)
RETURNS TABLE (document_id uuid, head_seq bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE free uuid[] := p_documents;
BEGIN
  IF p_wait AND p_documents[1] = ALL (p_documents) THEN
    RETURN QUERY
    WITH h AS (
        UPDATE document_heads t SET head_seq = t.head_seq + cardinality(p_documents),
          announced_seq = coalesce(t.announced_seq, t.head_seq + cardinality(p_documents)) FROM documents d
        WHERE t.document_id = p_documents[1] AND d.id = p_documents[1] AND d.deleted_at IS NULL
          AND t.generation = coalesce(p_generations[1], t.generation)
        RETURNING t.document_id, t.head_seq - cardinality(p_documents) AS base, t.head_seq),
      i AS (
        INSERT INTO document_updates (document_id, seq, payload, checksum, actor_id, client_ids, device_id, author)
        SELECT h.document_id, h.base + u.position, u.payload, u.checksum, u.actor, u.clients::bigint[], u.device, u.author
        FROM h, unnest(p_payloads, p_checksums, p_actors, p_clients, p_devices, p_authors)
          WITH ORDINALITY u (payload, checksum, actor, clients, device, author, position))
    SELECT h.document_id, h.head_seq FROM h;
    RETURN;
  END IF;
  IF p_wait THEN
    PERFORM FROM document_heads t WHERE t.document_id = ANY (p_documents) ORDER BY t.document_id FOR UPDATE;
  ELSE
    free := ARRAY(
      SELECT t.document_id FROM document_heads t JOIN documents d ON d.id = t.document_id
      WHERE t.document_id = ANY (p_documents) ORDER BY t.document_id
      FOR UPDATE OF t SKIP LOCKED FOR KEY SHARE OF d SKIP LOCKED);
    RETURN QUERY SELECT d.id, NULL::bigint FROM documents d
      WHERE d.id = ANY (p_documents) AND d.id <> ALL (free) AND d.deleted_at IS NULL;
  END IF;
  RETURN QUERY
  WITH u AS (
      SELECT x.*, row_number() OVER (PARTITION BY document ORDER BY position) AS offset_in_document
      FROM unnest(p_documents, p_payloads, p_checksums, p_actors, p_clients, p_devices, p_authors, p_generations)
        WITH ORDINALITY x (document, payload, checksum, actor, clients, device, author, generation, position)
      WHERE p_wait OR document = ANY (free)),
    n AS (SELECT document, count(*) AS updates, max(generation) AS generation FROM u GROUP BY document),
    h AS (
      UPDATE document_heads t SET head_seq = t.head_seq + n.updates,
        announced_seq = coalesce(t.announced_seq, t.head_seq + n.updates) FROM n, documents d
      WHERE t.document_id = n.document AND d.id = n.document AND d.deleted_at IS NULL
        AND t.generation = coalesce(n.generation, t.generation)
      RETURNING t.document_id, t.head_seq - n.updates AS base, t.head_seq),
    i AS (
      INSERT INTO document_updates (document_id, seq, payload, checksum, actor_id, client_ids, device_id, author)
      SELECT u.document, h.base + u.offset_in_document, u.payload, u.checksum, u.actor, u.clients::bigint[], u.device, u.author
      FROM u JOIN h ON h.document_id = u.document)
  SELECT h.document_id, h.head_seq FROM h;
END $$;
REVOKE EXECUTE ON FUNCTION app.append_edits(uuid[], bytea[], bigint[], uuid[], text[], text[], text[], bigint[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.append_edits(uuid[], bytea[], bigint[], uuid[], text[], text[], text[], bigint[], boolean) TO app_service, app_admin;
