-- Checksums of the log's rows and snapshots. Statements skip locked documents.

-- CRC-32 of the payload, computed by the server before it was sent; NULL: a row of an older version.
ALTER TABLE document_updates ADD checksum bigint;
-- CRC-32 of yjs_state and yjs_state_vector, one after the other. It is of the snapshot at snapshot_clock: a fold by an older
-- version moves documents.yjs_clock only, and the snapshot it writes has no checksum.
ALTER TABLE document_heads ADD snapshot_clock bigint, ADD snapshot_checksum bigint;

-- What a server could not read. No foreign key: a lock on the document must not stop the note.
CREATE TABLE damaged_documents (
  document_id uuid PRIMARY KEY, reason text NOT NULL, noticed_at timestamptz NOT NULL DEFAULT now());
ALTER TABLE damaged_documents ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON damaged_documents TO app_service, app_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON damaged_documents TO app_service, app_admin;

-- As app.append_updates, which servers of an older version call. p_wait false: documents that another transaction has
-- locked are not waited for and yield head_seq NULL. Both the head and the document's own row count: the rows' foreign key
-- locks the latter.
CREATE FUNCTION app.append_rows(p_documents uuid[], p_payloads bytea[], p_checksums bigint[], p_actors uuid[],
                                p_clients text[], p_devices text[], p_wait boolean)
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
        INSERT INTO document_updates (document_id, seq, payload, checksum, actor_id, client_ids, device_id)
        SELECT h.document_id, h.base + u.position, u.payload, u.checksum, u.actor, u.clients::bigint[], u.device
        FROM h, unnest(p_payloads, p_checksums, p_actors, p_clients, p_devices)
          WITH ORDINALITY u (payload, checksum, actor, clients, device, position))
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
      FROM unnest(p_documents, p_payloads, p_checksums, p_actors, p_clients, p_devices)
        WITH ORDINALITY x (document, payload, checksum, actor, clients, device, position)
      WHERE p_wait OR document = ANY (free)),
    n AS (SELECT document, count(*) AS updates FROM u GROUP BY document),
    h AS (
      UPDATE document_heads t SET head_seq = t.head_seq + n.updates,
        announced_seq = coalesce(t.announced_seq, t.head_seq + n.updates) FROM n, documents d
      WHERE t.document_id = n.document AND d.id = n.document AND d.deleted_at IS NULL
      RETURNING t.document_id, t.head_seq - n.updates AS base, t.head_seq),
    i AS (
      INSERT INTO document_updates (document_id, seq, payload, checksum, actor_id, client_ids, device_id)
      SELECT u.document, h.base + u.offset_in_document, u.payload, u.checksum, u.actor, u.clients::bigint[], u.device
      FROM u JOIN h ON h.document_id = u.document)
  SELECT h.document_id, h.head_seq FROM h;
END $$;

-- app.compact_document, and the checksum of what it stores. It does not wait for a locked document: the caller comes again.
CREATE FUNCTION app.fold_document(p_document uuid, p_expected_clock bigint, p_upto bigint, p_state bytea, p_vector bytea,
                                  p_checksum bigint, p_content text, p_words integer, p_truncated boolean)
RETURNS boolean LANGUAGE plpgsql SET lock_timeout = '300ms' AS $$
BEGIN
  IF NOT app.compact_document(p_document, p_expected_clock, p_upto, p_state, p_vector, p_content, p_words, p_truncated) THEN
    RETURN false;
  END IF;
  UPDATE document_heads SET snapshot_clock = p_upto, snapshot_checksum = p_checksum WHERE document_id = p_document;
  RETURN true;
END $$;

-- As app.count_views, but the views of documents that another transaction has locked are not counted: their ids.
CREATE FUNCTION app.add_views(p_documents uuid[], p_counts bigint[], p_last timestamptz[],
                              p_seen uuid[], p_users uuid[], p_at timestamptz[]) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  every uuid[] := p_documents || p_seen;
  free uuid[] := ARRAY(
    SELECT d.id FROM documents d JOIN document_stats s ON s.document_id = d.id WHERE d.id = ANY (every) ORDER BY d.id
    FOR UPDATE OF s SKIP LOCKED FOR KEY SHARE OF d SKIP LOCKED);
  v record; p record;
BEGIN
  SELECT array_agg(a) AS documents, array_agg(b) AS counts, array_agg(c) AS last INTO v
    FROM unnest(p_documents, p_counts, p_last) x (a, b, c) WHERE a = ANY (free);
  SELECT array_agg(a) AS documents, array_agg(b) AS users, array_agg(c) AS at INTO p
    FROM unnest(p_seen, p_users, p_at) x (a, b, c) WHERE a = ANY (free);
  PERFORM app.count_views(v.documents, v.counts, v.last, p.documents, p.users, p.at);
  RETURN ARRAY(SELECT id FROM documents WHERE id = ANY (every) AND id <> ALL (free));
END $$;

CREATE OR REPLACE FUNCTION app.mirror_presence(p_node text, p_rows jsonb, p_left text[], p_beat boolean) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  -- An uncommitted DELETE or move of a document locks the rows of its presence. The other documents do not wait for it.
  gone_ids text[] := ARRAY(SELECT connection_id FROM presence WHERE connection_id = ANY (p_left)
    ORDER BY 1 FOR UPDATE SKIP LOCKED);
  free uuid[] := ARRAY(SELECT id FROM documents WHERE id IN (SELECT (r ->> 'document_id')::uuid
    FROM jsonb_array_elements(p_rows) r) ORDER BY id FOR KEY SHARE SKIP LOCKED);
BEGIN
  UPDATE presence SET disconnected_at = now()
    WHERE connection_id = ANY (gone_ids) AND user_id IS NOT NULL AND disconnected_at IS NULL;
  DELETE FROM presence WHERE connection_id = ANY (gone_ids) AND user_id IS NULL;
  DELETE FROM presence old USING presence gone
    WHERE gone.connection_id = ANY (gone_ids) AND old.user_id = gone.user_id AND old.document_id = gone.document_id
      AND ((old.disconnected_at, old.connection_id) < (gone.disconnected_at, gone.connection_id)
           OR (old.disconnected_at IS NULL AND old.expires_at < now()));
  INSERT INTO presence AS p (connection_id, node_id, document_id, workspace_id, user_id, guest_name, device_type,
                             device_name, cursor_position, selection_range, is_typing, current_block_id)
    SELECT x.connection_id, p_node, d.id, d.workspace_id, u.id, x.guest_name, x.device_type, x.device_name,
           x.cursor_position, x.selection_range, x.is_typing, x.current_block_id
    FROM jsonb_to_recordset(p_rows) x (connection_id text, document_id uuid, user_id uuid, guest_name text,
      device_type text, device_name text, cursor_position jsonb, selection_range jsonb, is_typing boolean,
      current_block_id text)
    JOIN documents d ON d.id = x.document_id AND d.id = ANY (free) LEFT JOIN users u ON u.id = x.user_id
    ORDER BY d.id, x.connection_id
    ON CONFLICT (connection_id) DO UPDATE SET guest_name = EXCLUDED.guest_name,
      cursor_position = EXCLUDED.cursor_position, selection_range = EXCLUDED.selection_range,
      is_typing = EXCLUDED.is_typing, current_block_id = EXCLUDED.current_block_id, last_activity_at = now(),
      disconnected_at = NULL, expires_at = EXCLUDED.expires_at;
  IF p_beat THEN
    UPDATE presence SET expires_at = now() + interval '14 seconds' WHERE connection_id IN (
      SELECT connection_id FROM presence WHERE node_id = p_node AND disconnected_at IS NULL
        AND expires_at < now() + interval '9 seconds' ORDER BY 1 FOR UPDATE SKIP LOCKED);
  END IF;
  RETURN (SELECT count(*) FROM presence WHERE node_id = p_node AND disconnected_at IS NULL);
END $$;

-- Documents that another transaction has locked stay in the queue, at its end.
CREATE OR REPLACE FUNCTION app.refresh_search(p_limit integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET client_min_messages = warning AS $$
DECLARE ids uuid[]; free uuid[]; held uuid[]; i uuid;
BEGIN
  WITH next AS (SELECT id FROM search_queue ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED),
    taken AS (DELETE FROM search_queue s USING next WHERE s.id = next.id RETURNING s.document_id)
  SELECT array_agg(DISTINCT document_id) INTO ids FROM taken;
  free := ARRAY(SELECT id FROM documents WHERE id = ANY (ids) ORDER BY id FOR KEY SHARE SKIP LOCKED);
  held := ARRAY(SELECT id FROM documents WHERE id = ANY (ids) AND id <> ALL (free));
  INSERT INTO search_queue (document_id) SELECT unnest(held);
  ids := ARRAY(SELECT x FROM unnest(ids) x WHERE x <> ALL (held));
  -- Of two at the same document, the later one must read what the earlier one could not see yet.
  PERFORM pg_advisory_xact_lock(hashtextextended('search ' || x, 0)) FROM unnest(ids) x ORDER BY x;
  DELETE FROM document_search s USING documents d
    WHERE s.document_id = ANY (ids) AND d.id = s.document_id AND d.deleted_at IS NOT NULL;
  FOREACH i IN ARRAY coalesce(ids, '{}') LOOP
    INSERT INTO document_search AS s (document_id, workspace_id, tsv, title_words, title_trigrams, truncated,
        indexed_hash, language, changed_at)
    SELECT d.id, d.workspace_id, b.tsv,
      to_tsvector(app.fts_config(d.language), app.fts_text(concat_ws(' ', d.title, tagged.names))),
      app.trigrams(d.title), b.truncated OR d.content_truncated, d.content_hash, app.search_language(d.language), d.updated_at
    FROM documents d
      LEFT JOIN LATERAL (SELECT string_agg(t.name, ' ' ORDER BY t.slug) AS names
        FROM document_tags x JOIN tags t ON t.id = x.tag_id WHERE x.document_id = d.id) tagged ON true,
      LATERAL app.build_tsv(app.fts_config(d.language), d.title, d.description, tagged.names,
        CASE WHEN d.content_encrypted IS NULL THEN d.content END) b
    WHERE d.id = i AND d.deleted_at IS NULL
    ON CONFLICT (document_id) DO UPDATE SET tsv = EXCLUDED.tsv, title_words = EXCLUDED.title_words,
      title_trigrams = EXCLUDED.title_trigrams, truncated = EXCLUDED.truncated, indexed_hash = EXCLUDED.indexed_hash,
      language = EXCLUDED.language, changed_at = EXCLUDED.changed_at
      WHERE (s.tsv, s.title_words, s.title_trigrams, s.language)
        IS DISTINCT FROM (EXCLUDED.tsv, EXCLUDED.title_words, EXCLUDED.title_trigrams, EXCLUDED.language);
  END LOOP;
  RETURN coalesce(cardinality(ids), 0);
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
  app.append_rows(uuid[], bytea[], bigint[], uuid[], text[], text[], boolean),
  app.fold_document(uuid, bigint, bigint, bytea, bytea, bigint, text, integer, boolean),
  app.add_views(uuid[], bigint[], timestamptz[], uuid[], uuid[], timestamptz[]) TO app_service, app_admin;
