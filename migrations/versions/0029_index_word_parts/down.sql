DELETE FROM search_queue WHERE id > 4611686018427387904;
CREATE OR REPLACE FUNCTION app.fts_text(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN octet_length(p_text) = length(p_text) THEN p_text
    ELSE regexp_replace(p_text, '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])', ' \1 ', 'g') END $$;
CREATE OR REPLACE FUNCTION app.build_tsv(p_config regconfig, p_title text, p_description text, p_tags text, p_body text,
                                         OUT tsv tsvector, OUT truncated boolean) LANGUAGE plpgsql STABLE AS $$
DECLARE
  piece constant integer := 131072;
  place integer := 1;
  part tsvector;
  body text := app.fts_text(coalesce(p_body, ''));
BEGIN
  truncated := false;
  tsv := setweight(to_tsvector(p_config, app.fts_text(coalesce(p_title, ''))), 'A')
      || setweight(to_tsvector(p_config, app.fts_text(left(coalesce(p_description, ''), 20000))), 'B')
      || setweight(to_tsvector(p_config, app.fts_text(coalesce(p_tags, ''))), 'C');
  BEGIN
    tsv := tsv || setweight(to_tsvector(p_config, body), 'D');
    RETURN;
  EXCEPTION WHEN program_limit_exceeded THEN
    NULL;
  END;
  WHILE place <= length(body) LOOP
    part := to_tsvector(p_config, substr(body, place, piece));
    IF place > 1 THEN part := strip(part); END IF;
    BEGIN
      tsv := tsv || part;
    EXCEPTION WHEN program_limit_exceeded THEN
      truncated := true;
      RETURN;
    END;
    place := place + piece;
  END LOOP;
END $$;
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
CREATE OR REPLACE FUNCTION app.search_queries(p_query text, p_last text) RETURNS TABLE (language text, query tsquery)
LANGUAGE plpgsql STABLE SET client_min_messages = warning AS $$
DECLARE
  most constant integer := 40;
  config regconfig;
  here uuid[] := app.workspace_ids('can_read');
BEGIN
  FOR language IN
    WITH RECURSIVE known AS (
      (SELECT s.language AS name, 1 AS number FROM document_search s ORDER BY 1 LIMIT 1)
      UNION ALL
      SELECT (SELECT s.language FROM document_search s WHERE s.language > known.name ORDER BY 1 LIMIT 1), number + 1
      FROM known WHERE known.name IS NOT NULL AND number < 4 * most)
    SELECT name FROM known
    WHERE name IS NOT NULL
      AND EXISTS (SELECT FROM document_search s WHERE s.language = known.name AND s.workspace_id = ANY (here))
    LIMIT most
  LOOP
    config := app.fts_config(language);
    query := websearch_to_tsquery(config, app.fts_text(p_query));
    IF p_last IS NOT NULL THEN
      query := query && (websearch_to_tsquery(config, p_last) || to_tsquery('simple', quote_literal(p_last) || ':*'));
    END IF;
    IF querytree(query) NOT IN ('', 'T') THEN RETURN NEXT; END IF;
  END LOOP;
END $$;
CREATE OR REPLACE FUNCTION app.search_marked(p_config regconfig, p_text text, p_query tsquery) RETURNS text
LANGUAGE sql STABLE AS $$
  -- A "<" would begin a tag, which the parser drops; characters written without spaces are words for as long as it takes.
  SELECT translate(ts_headline(p_config, regexp_replace(
      translate(p_text, '<' || chr(2) || chr(3) || chr(30) || chr(31), chr(30)),
      '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])', chr(31) || '\1' || chr(31), 'g'), p_query,
    format('StartSel=%s, StopSel=%s, HighlightAll=true', chr(2), chr(3))), chr(30) || chr(31), '<') $$;
CREATE OR REPLACE FUNCTION app.search_snippet(p_config regconfig, p_text text, p_query tsquery, p_words text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  looked constant integer := 100000;
  low text := lower(left(p_text, looked));
  place integer := strpos(low, lower(p_words));
  word text[];
  part text;
BEGIN
  IF place = 0 THEN
    FOR word IN SELECT regexp_matches(querytree(p_query), '''((?:[^'']|'''')+)''', 'g') LOOP
      place := strpos(low, replace(word[1], '''''', ''''));
      EXIT WHEN place > 0;
    END LOOP;
  END IF;
  place := greatest(place - 100, 1);
  part := substr(left(p_text, looked), place, 400);
  IF place > 1 THEN part := '…' || regexp_replace(part, '^\S{0,40}\s+', ''); END IF;
  IF length(p_text) > place + 400 THEN part := regexp_replace(part, '\s+\S{0,40}$', '') || '…'; END IF;
  RETURN app.search_marked(p_config, part, p_query);
END $$;
DROP FUNCTION app.search_query(regconfig, text, text), app.search_term(regconfig, text, boolean),
  app.search_vector(regconfig, text), app.search_more(regconfig, text, tsvector), app.fts_whole(text), app.fold(text);
INSERT INTO search_queue (document_id) SELECT document_id FROM document_search;
