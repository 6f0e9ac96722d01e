CREATE OR REPLACE FUNCTION app.mirror_presence(p_node text, p_rows jsonb, p_left text[], p_beat boolean) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE presence SET disconnected_at = now()
    WHERE connection_id = ANY (p_left) AND user_id IS NOT NULL AND disconnected_at IS NULL;
  DELETE FROM presence WHERE connection_id = ANY (p_left) AND user_id IS NULL;
  DELETE FROM presence old USING presence gone
    WHERE gone.connection_id = ANY (p_left) AND old.user_id = gone.user_id AND old.document_id = gone.document_id
      AND ((old.disconnected_at, old.connection_id) < (gone.disconnected_at, gone.connection_id)
           OR (old.disconnected_at IS NULL AND old.expires_at < now()));
  INSERT INTO presence AS p (connection_id, node_id, document_id, workspace_id, user_id, guest_name, device_type,
                             device_name, cursor_position, selection_range, is_typing, current_block_id)
    SELECT x.connection_id, p_node, d.id, d.workspace_id, u.id, x.guest_name, x.device_type, x.device_name,
           x.cursor_position, x.selection_range, x.is_typing, x.current_block_id
    FROM jsonb_to_recordset(p_rows) x (connection_id text, document_id uuid, user_id uuid, guest_name text,
      device_type text, device_name text, cursor_position jsonb, selection_range jsonb, is_typing boolean,
      current_block_id text)
    JOIN documents d ON d.id = x.document_id LEFT JOIN users u ON u.id = x.user_id
    ORDER BY d.id, x.connection_id
    ON CONFLICT (connection_id) DO UPDATE SET guest_name = EXCLUDED.guest_name,
      cursor_position = EXCLUDED.cursor_position, selection_range = EXCLUDED.selection_range,
      is_typing = EXCLUDED.is_typing, current_block_id = EXCLUDED.current_block_id, last_activity_at = now(),
      disconnected_at = NULL, expires_at = EXCLUDED.expires_at;
  IF p_beat THEN
    UPDATE presence SET expires_at = now() + interval '14 seconds'
      WHERE node_id = p_node AND disconnected_at IS NULL AND expires_at < now() + interval '9 seconds';
  END IF;
  RETURN (SELECT count(*) FROM presence WHERE node_id = p_node AND disconnected_at IS NULL);
END $$;
CREATE OR REPLACE FUNCTION app.refresh_search(p_limit integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET client_min_messages = warning AS $$
DECLARE ids uuid[]; i uuid;
BEGIN
  WITH next AS (SELECT id FROM search_queue ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED),
    taken AS (DELETE FROM search_queue s USING next WHERE s.id = next.id RETURNING s.document_id)
  SELECT array_agg(DISTINCT document_id) INTO ids FROM taken;
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
DROP FUNCTION app.append_rows(uuid[], bytea[], bigint[], uuid[], text[], text[], boolean),
  app.fold_document(uuid, bigint, bigint, bytea, bytea, bigint, text, integer, boolean),
  app.add_views(uuid[], bigint[], timestamptz[], uuid[], uuid[], timestamptz[]);
DROP TABLE damaged_documents;
ALTER TABLE document_heads DROP snapshot_clock, DROP snapshot_checksum;
ALTER TABLE document_updates DROP checksum;
