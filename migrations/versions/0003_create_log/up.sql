-- The log of updates: append, load, compaction.

-- Narrow and hot. The lock on its row orders the log of a document; the wide row of documents is left in peace.
CREATE TABLE document_heads (
  document_id uuid PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
  head_seq bigint NOT NULL DEFAULT 0, next_version integer NOT NULL DEFAULT 1) WITH (fillfactor = 50);
CREATE TABLE document_updates (  -- append-only; a row lives from its group commit to the next compaction
  document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE, seq bigint NOT NULL,
  payload bytea NOT NULL CHECK (octet_length(payload) BETWEEN 1 AND 16777216),
  actor_id uuid,        -- the authenticated user of the connection, NULL for a guest
  client_ids bigint[],  -- the Yjs clients whose edits the update adds
  device_id text, created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (document_id, seq))
  WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.1);
CREATE TABLE document_stats (  -- views, flushed in batches: reading must not look like editing
  document_id uuid PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
  view_count bigint NOT NULL DEFAULT 0, last_viewed_at timestamptz) WITH (fillfactor = 50);

CREATE FUNCTION app.documents_after_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO document_heads (document_id) VALUES (NEW.id);
  INSERT INTO document_stats (document_id) VALUES (NEW.id);
  RETURN NULL;
END $$;
CREATE TRIGGER documents_10_heads AFTER INSERT ON documents
  FOR EACH ROW EXECUTE FUNCTION app.documents_after_insert();
INSERT INTO document_heads (document_id) SELECT id FROM documents;
INSERT INTO document_stats (document_id) SELECT id FROM documents;

-- One call is one group commit; the arrays are parallel, p_clients has array literals ('{1,2}'), for a driver cannot
-- send arrays of unequal arrays. Heads are locked in the order of their ids, so servers never deadlock, and to the end
-- of the transaction, so within a document the order of seq is the order of commits, without gaps. A document that is
-- gone or deleted yields no row: its caller closes that room.
CREATE FUNCTION app.append_updates(p_documents uuid[], p_payloads bytea[], p_actors uuid[] DEFAULT NULL,
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

-- State and pending tail in one statement, hence of one snapshot: never torn by a compaction that runs meanwhile.
CREATE FUNCTION app.load_document(p_document uuid)
RETURNS TABLE (workspace_id uuid, type document_type, generation bigint, yjs_state bytea, yjs_clock bigint,
               head_seq bigint, pending bytea[]) LANGUAGE sql STABLE AS $$
  SELECT d.workspace_id, d.type, d.generation, d.yjs_state, d.yjs_clock, h.head_seq,
         ARRAY(SELECT u.payload FROM document_updates u WHERE u.document_id = d.id AND u.seq > d.yjs_clock ORDER BY u.seq)
  FROM documents d JOIN document_heads h ON h.document_id = d.id WHERE d.id = p_document AND d.deleted_at IS NULL $$;

-- Merge outside any transaction, then compare-and-swap on yjs_clock: nothing is locked while merging, appenders (who
-- touch document_heads only) never wait, and a lost race is answered false. p_content NULL: the text is unchanged; then
-- the row's version, its time of change and its search entry stay as they are. A longer text than documents.content
-- may hold comes cut, with p_truncated.
CREATE FUNCTION app.compact_document(p_document uuid, p_expected_clock bigint, p_upto bigint, p_state bytea,
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

-- Documents whose room died before it was folded, longest tail first.
CREATE FUNCTION app.compaction_backlog(p_least bigint DEFAULT 1, p_limit integer DEFAULT 100)
RETURNS TABLE (document_id uuid, pending bigint) LANGUAGE sql STABLE AS $$
  SELECT h.document_id, h.head_seq - d.yjs_clock FROM document_heads h JOIN documents d ON d.id = h.document_id
  WHERE h.head_seq - d.yjs_clock >= p_least AND d.deleted_at IS NULL ORDER BY 2 DESC, 1 LIMIT p_limit $$;

ALTER TABLE document_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE document_updates ENABLE ROW LEVEL SECURITY;
ALTER TABLE document_stats ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON document_heads TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON document_updates TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON document_stats TO app_service, app_admin USING (true) WITH CHECK (true);
-- the document's own policy decides about its children
CREATE POLICY via_document ON document_heads FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = document_heads.document_id));
CREATE POLICY via_document ON document_updates FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = document_updates.document_id));
CREATE POLICY via_document ON document_stats FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = document_stats.document_id));

GRANT SELECT, INSERT, UPDATE, DELETE ON document_heads, document_updates, document_stats TO app_service, app_admin;
GRANT SELECT ON document_heads, document_updates, document_stats TO app_readonly, app_readwrite;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA app TO app_service, app_admin;
GRANT EXECUTE ON FUNCTION app.load_document(uuid) TO app_readonly, app_readwrite;
