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
      app.search_vector(app.fts_config(d.language), concat_ws(' ', d.title, tagged.names)),
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
REVOKE EXECUTE ON FUNCTION app.refresh_search(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.refresh_search(integer) TO app_service, app_admin;
