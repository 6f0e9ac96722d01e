DROP FUNCTION IF EXISTS app.replace_generation(uuid, bigint, bigint, bytea, bytea, bigint, bytea, bigint[], uuid, bigint, bigint,
  timestamptz, timestamptz, integer, bytea);
DROP TABLE document_generations;
DROP TRIGGER IF EXISTS documents_20_generation ON documents;
DROP FUNCTION IF EXISTS app.generation_changed();
ALTER TABLE document_heads DROP generation;
DROP FUNCTION IF EXISTS app.append_edits(uuid[], bytea[], bigint[], uuid[], text[], text[], text[], bigint[], boolean);
CREATE OR REPLACE FUNCTION app.append_edits(p_documents uuid[], p_payloads bytea[], p_checksums bigint[], p_actors uuid[],
                                p_clients text[], p_devices text[], p_authors text[], p_wait boolean)
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
      FROM unnest(p_documents, p_payloads, p_checksums, p_actors, p_clients, p_devices, p_authors)
        WITH ORDINALITY x (document, payload, checksum, actor, clients, device, author, position)
      WHERE p_wait OR document = ANY (free)),
    n AS (SELECT document, count(*) AS updates FROM u GROUP BY document),
    h AS (
      UPDATE document_heads t SET head_seq = t.head_seq + n.updates,
        announced_seq = coalesce(t.announced_seq, t.head_seq + n.updates) FROM n, documents d
      WHERE t.document_id = n.document AND d.id = n.document AND d.deleted_at IS NULL
      RETURNING t.document_id, t.head_seq - n.updates AS base, t.head_seq),
    i AS (
      INSERT INTO document_updates (document_id, seq, payload, checksum, actor_id, client_ids, device_id, author)
      SELECT u.document, h.base + u.offset_in_document, u.payload, u.checksum, u.actor, u.clients::bigint[], u.device, u.author
      FROM u JOIN h ON h.document_id = u.document)
  SELECT h.document_id, h.head_seq FROM h;
END $$;
REVOKE EXECUTE ON FUNCTION app.append_edits(uuid[], bytea[], bigint[], uuid[], text[], text[], text[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.append_edits(uuid[], bytea[], bigint[], uuid[], text[], text[], text[], boolean) TO app_service, app_admin;
CREATE OR REPLACE FUNCTION app.append_rows(p_documents uuid[], p_payloads bytea[], p_checksums bigint[], p_actors uuid[],
                                p_clients text[], p_devices text[], p_wait boolean)
RETURNS TABLE (document_id uuid, head_seq bigint) LANGUAGE sql AS $$
  SELECT * FROM app.append_edits(p_documents, p_payloads, p_checksums, p_actors, p_clients, p_devices, NULL, p_wait) $$;
REVOKE EXECUTE ON FUNCTION app.append_rows(uuid[], bytea[], bigint[], uuid[], text[], text[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.append_rows(uuid[], bytea[], bigint[], uuid[], text[], text[], boolean) TO app_service, app_admin;
