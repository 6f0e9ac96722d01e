-- Search results with rank and snippets, misspelt titles, stored renderings.

-- What a text looks like when it is rendered; valid while hash and renderer are the present ones, so that nothing has to
-- be invalidated. Without a body: it cannot be rendered within bounds.
CREATE TABLE document_renders (
  document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
  format text NOT NULL CHECK (format IN ('html', 'text')), content_hash text NOT NULL, renderer integer NOT NULL,
  body bytea, rendered_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (document_id, format));
ALTER TABLE document_renders ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON document_renders TO app_service, app_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON document_renders TO app_service, app_admin;

-- One index for both PostgreSQLs: a workspace is a key of the GIN index without btree_gin when it stands in an array,
-- and the index then reads only what a workspace and a word have in common (a common word in a small workspace:
-- 0.5 instead of 250 ms). Titles stand apart too: few words, so that the beginning of a word is found quickly, and
-- trigrams for what is misspelt, alike with and without pg_trgm.
DROP INDEX document_search_tsv;
DROP INDEX IF EXISTS document_search_workspace;
DROP INDEX IF EXISTS documents_title_trgm;
ALTER TABLE document_search
  ADD title_words tsvector, ADD title_trigrams tsvector,
  ADD changed_at timestamptz NOT NULL DEFAULT now();  -- when the document had changed last as it was indexed
-- What is inserted waits in a list that every search reads through: a short one.
CREATE INDEX document_search_words ON document_search
  USING gin ((ARRAY[workspace_id]), tsv, title_words, title_trigrams) WITH (gin_pending_list_limit = 256);
CREATE INDEX document_search_language ON document_search (language);

CREATE OR REPLACE FUNCTION app.fts_text(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN octet_length(p_text) = length(p_text) THEN p_text
    ELSE regexp_replace(p_text, '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])', ' \1 ', 'g') END $$;
-- Groups of three characters: of "ab c" they are "  a", " ab", "ab ", "  c" and " c ".
CREATE FUNCTION app.trigrams(p_text text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT array_to_tsvector(ARRAY(
    SELECT DISTINCT substr(padded, i, 3)
    FROM (SELECT '  ' || replace(trim(regexp_replace(lower(app.fts_text(left(p_text, 500))), '[^[:alnum:]]+', ' ', 'g')),
            ' ', '   ') || ' ' AS padded) p, generate_series(1, length(padded) - 2) i
    WHERE right(substr(padded, i, 3), 2) <> '  ')) $$;

-- Tags are found in the document's language too: "plans" by "planning".
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

-- row_version: tags raise it, and so do their new names.
DROP TRIGGER documents_30_search ON documents;
CREATE TRIGGER documents_30_search AFTER INSERT OR UPDATE OF title, description, content, language, content_encrypted,
  deleted_at, row_version ON documents FOR EACH ROW EXECUTE FUNCTION app.search_enqueue();
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
      app.trigrams(d.title), b.truncated OR d.content_truncated, d.content_hash, d.language, d.updated_at
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
INSERT INTO search_queue (document_id) SELECT id FROM documents EXCEPT SELECT document_id FROM search_queue;

-- What is asked for, in every language that documents have: each is matched as it was indexed. p_last: the last word
-- where it may be the beginning of one. Languages in which nothing is left to look for (stop words) are left out.
CREATE FUNCTION app.search_queries(p_query text, p_last text) RETURNS TABLE (language text, query tsquery)
LANGUAGE plpgsql STABLE SET client_min_messages = warning AS $$
DECLARE config regconfig;
BEGIN
  FOR language IN
    WITH RECURSIVE known AS (
      (SELECT s.language AS name FROM document_search s ORDER BY 1 LIMIT 1)
      UNION ALL
      SELECT (SELECT s.language FROM document_search s WHERE s.language > known.name ORDER BY 1 LIMIT 1)
      FROM known WHERE known.name IS NOT NULL)
    SELECT name FROM known WHERE name IS NOT NULL
  LOOP
    config := app.fts_config(language);
    query := websearch_to_tsquery(config, app.fts_text(p_query));
    IF p_last IS NOT NULL THEN
      query := query && (websearch_to_tsquery(config, p_last) || to_tsquery('simple', quote_literal(p_last) || ':*'));
    END IF;
    IF querytree(query) NOT IN ('', 'T') THEN RETURN NEXT; END IF;
  END LOOP;
END $$;

-- The text with U+0002 and U+0003 around what the query finds, and none of these elsewhere.
CREATE FUNCTION app.search_marked(p_config regconfig, p_text text, p_query tsquery) RETURNS text
LANGUAGE sql STABLE AS $$
  -- A "<" would begin a tag, which the parser drops; characters written without spaces are words for as long as it takes.
  SELECT translate(ts_headline(p_config, regexp_replace(
      translate(p_text, '<' || chr(2) || chr(3) || chr(30) || chr(31), chr(30)),
      '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])', chr(31) || '\1' || chr(31), 'g'), p_query,
    format('StartSel=%s, StopSel=%s, HighlightAll=true', chr(2), chr(3))), chr(30) || chr(31), '<') $$;
-- Some 400 characters of a text around what the query finds, marked; its beginning where that is further down.
CREATE FUNCTION app.search_snippet(p_config regconfig, p_text text, p_query tsquery, p_words text) RETURNS text
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

-- SECURITY DEFINER with a check of its own: under row-level security neither @@ nor && may use an index.
-- Ranking reads the words of all that it compares: of the hits the thousand that changed last, and as many
-- whose title has it all. Pages by (rank, id); snippets for the page only.
CREATE FUNCTION app.search_documents(p_query text, p_last text, p_workspace uuid, p_type text, p_tags text[],
  p_limit integer, p_after_rank real, p_after_id uuid)
RETURNS TABLE (id uuid, workspace_id uuid, workspace_slug text, name text, title text, type text,
  updated_at timestamptz, rank real, snippet text, title_marked text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  ranked constant integer := 1000;
  here uuid[] := app.workspace_ids('can_read');
BEGIN
  IF p_workspace IS NOT NULL THEN
    here := CASE WHEN p_workspace = ANY (here) THEN ARRAY[p_workspace] ELSE '{}' END;
  END IF;
  RETURN QUERY
  WITH asked AS MATERIALIZED (SELECT a.language, a.query FROM app.search_queries(p_query, p_last) a),
  hits AS MATERIALIZED (
    SELECT s.document_id, s.changed_at, a.language, a.query FROM asked a CROSS JOIN LATERAL (
      SELECT i.document_id, i.changed_at FROM document_search i
      WHERE ARRAY[i.workspace_id] && here AND i.tsv @@ a.query AND i.language = a.language
        AND (p_type IS NULL OR EXISTS (
          SELECT FROM documents d WHERE d.id = i.document_id AND d.type::text = p_type))
        AND (p_tags IS NULL OR (
          SELECT count(*) FROM document_tags x JOIN tags t ON t.id = x.tag_id
          WHERE x.document_id = i.document_id AND t.slug = ANY (p_tags)) = cardinality(p_tags))
      OFFSET 0) s),
  titled AS MATERIALIZED (
    SELECT s.document_id FROM asked a CROSS JOIN LATERAL (
      SELECT i.document_id FROM document_search i
      WHERE ARRAY[i.workspace_id] && here AND i.title_words @@ a.query AND i.language = a.language
      ORDER BY i.changed_at DESC, i.document_id LIMIT ranked) s
    WHERE (SELECT count(*) FROM hits) > ranked),
  compared AS (
    (SELECT h.document_id, h.language, h.query FROM hits h ORDER BY h.changed_at DESC, h.document_id LIMIT ranked)
    UNION
    SELECT h.document_id, h.language, h.query FROM hits h JOIN titled USING (document_id)),
  page AS (
    SELECT c.document_id, c.language, c.query, r.rank
    FROM compared c CROSS JOIN LATERAL (  -- one by one: the planner would rather read both tables from end to end
      SELECT ts_rank('{0.1, 0.3, 0.5, 1.0}', i.tsv, c.query, 1) AS rank FROM document_search i
      WHERE i.document_id = c.document_id
        AND EXISTS (SELECT FROM documents d WHERE d.id = i.document_id AND d.deleted_at IS NULL OFFSET 0)
      OFFSET 0) r
    WHERE p_after_id IS NULL OR (r.rank, c.document_id) < (p_after_rank, p_after_id)
    ORDER BY r.rank DESC, c.document_id DESC LIMIT p_limit)
  SELECT d.id, d.workspace_id, w.slug, d.name, d.title, d.type::text, d.updated_at, p.rank,
    app.search_snippet(app.fts_config(p.language), CASE WHEN d.content_encrypted IS NULL THEN d.content ELSE '' END,
      p.query, concat_ws(' ', p_query, p_last)),
    app.search_marked(app.fts_config(p.language), d.title, p.query)
  FROM page p JOIN documents d ON d.id = p.document_id JOIN workspaces w ON w.id = d.workspace_id
  ORDER BY p.rank DESC, d.id DESC;
END $$;

-- Documents with a title like this one, misspelt or unfinished. similarity: the share of its trigrams that a title has.
CREATE FUNCTION app.search_titles(p_query text, p_workspace uuid, p_limit integer)
RETURNS TABLE (id uuid, workspace_id uuid, workspace_slug text, name text, title text, type text, similarity real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  enough constant real := 0.4;
  here uuid[] := app.workspace_ids('can_read');
  asked tsquery;
BEGIN
  IF p_workspace IS NOT NULL THEN
    here := CASE WHEN p_workspace = ANY (here) THEN ARRAY[p_workspace] ELSE '{}' END;
  END IF;
  SELECT string_agg(quote_literal(x), ' | ')::tsquery INTO asked FROM unnest(tsvector_to_array(app.trigrams(p_query))) x;
  RETURN QUERY
  WITH alike AS MATERIALIZED (
    SELECT i.document_id, (ts_rank('{1, 1, 1, 1}', i.title_trigrams, asked) * 1.64493406685)::real AS share
    FROM document_search i WHERE ARRAY[i.workspace_id] && here AND i.title_trigrams @@ asked OFFSET 0)
  SELECT d.id, d.workspace_id, w.slug, d.name, d.title, d.type::text, least(a.share, 1::real)
  FROM alike a JOIN documents d ON d.id = a.document_id JOIN workspaces w ON w.id = d.workspace_id
  WHERE a.share >= enough AND d.deleted_at IS NULL
  ORDER BY a.share DESC, length(d.title), d.updated_at DESC, d.id LIMIT p_limit;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA app TO app_service, app_admin;
GRANT EXECUTE ON FUNCTION app.search_documents(text, text, uuid, text, text[], integer, real, uuid),
  app.search_titles(text, uuid, integer) TO app_readonly, app_readwrite;
