-- Search finds parts of compound words, and words without regard to accents.

-- Letters without accents and in their compatible form (NFKC): "cafe" for "café", however that is written. Latin, Greek,
-- and the Russian U+0435; where a mark makes another letter (й, が, हि) it stays. Points that readers may leave out
-- (Hebrew, Arabic) go, and so do characters that nobody sees.
CREATE FUNCTION app.fold(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN octet_length(p_text) = length(p_text) THEN p_text ELSE
    replace(replace(replace(replace(replace(replace(replace(translate(normalize(regexp_replace(normalize(p_text, NFKD),
      '(?<=[A-Za-z\u0370-\u03ff\u0415\u0435])[\u0300-\u036f]+|[\u00ad\u034f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670\u200b\u200e\u200f\u2060\ufeff]', '', 'g'), NFKC),
      'đĐłŁøØıħĦŧŦðÐ', 'dDlLoOihHtTdD'),
      'ß', 'ss'), 'ẞ', 'SS'), 'æ', 'ae'), 'Æ', 'AE'), 'œ', 'oe'), 'Œ', 'OE'), 'þ', 'th') END $$;
-- Han, kana and hangul are written without spaces: their characters are separated, here and in what is searched for.
CREATE FUNCTION app.fts_whole(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN octet_length(p_text) = length(p_text) THEN p_text
    ELSE regexp_replace(normalize(p_text, NFKC), '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])', ' \1 ', 'g') END $$;
-- The same, folded, and with spaces for the signs of which the parser makes compounds (identifiers, paths, addresses) or
-- tags: they are their parts. Not translate(), which takes ten times as long.
CREATE OR REPLACE FUNCTION app.fts_text(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT regexp_replace(CASE WHEN octet_length(p_text) = length(p_text) THEN p_text
      ELSE regexp_replace(app.fold(p_text), '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])', ' \1 ', 'g') END,
    '[-./_@:+~&<]+', ' ', 'g') $$;

-- What a text has beside the words of `p_words` (its parts): compounds as wholes, words as the language's rules make
-- them with their accents, and numbers within words ("9110" in "RFC9110"). Without positions.
CREATE FUNCTION app.search_more(p_config regconfig, p_text text, p_words tsvector) RETURNS tsvector
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
  parts text[] := tsvector_to_array(p_words);
  wholes text[] := tsvector_to_array(to_tsvector(p_config, app.fts_whole(p_text)));
BEGIN
  IF octet_length(p_text) <> length(p_text) THEN wholes := ARRAY(SELECT app.fold(w) FROM unnest(wholes) w); END IF;
  RETURN array_to_tsvector(ARRAY(
    SELECT w FROM unnest(wholes) w WHERE w <> ''
    UNION
    SELECT m[1] FROM unnest(parts) w, regexp_matches(w, '\d{3,}', 'g') m WHERE w ~ '\d{3}' AND w ~ '\D'
    EXCEPT
    SELECT unnest(parts)));
END $$;
CREATE FUNCTION app.search_vector(p_config regconfig, p_text text) RETURNS tsvector
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE words tsvector := to_tsvector(p_config, app.fts_text(p_text));
BEGIN
  RETURN words || app.search_more(p_config, p_text, words);
END $$;

CREATE OR REPLACE FUNCTION app.build_tsv(p_config regconfig, p_title text, p_description text, p_tags text, p_body text,
                                         OUT tsv tsvector, OUT truncated boolean) LANGUAGE plpgsql STABLE AS $$
DECLARE
  piece constant integer := 131072;
  more constant integer := 1000000;  -- characters of the text beyond which its words' parts are enough
  place integer := 1;
  part tsvector;
  description text := left(coalesce(p_description, ''), 20000);
  body text := coalesce(p_body, '');
  whole boolean := true;  -- the text's words fit at once
BEGIN
  truncated := false;
  tsv := setweight(to_tsvector(p_config, app.fts_text(coalesce(p_title, ''))), 'A')
      || setweight(to_tsvector(p_config, app.fts_text(description)), 'B')
      || setweight(to_tsvector(p_config, app.fts_text(coalesce(p_tags, ''))), 'C');
  tsv := tsv || app.search_more(p_config, concat_ws(' ', p_title, description, p_tags), tsv);
  BEGIN
    part := to_tsvector(p_config, app.fts_text(body));
    tsv := tsv || setweight(part, 'D');
  EXCEPTION WHEN program_limit_exceeded THEN
    whole := false;
  END;
  IF NOT whole OR EXISTS (SELECT FROM unnest(part) p
      WHERE cardinality(p.positions) >= 255 OR p.positions[cardinality(p.positions)] >= 16383) THEN
    tsv := tsv || array_to_tsvector(ARRAY[E'\x01']);  -- see search_term
  END IF;
  IF whole THEN
    BEGIN
      tsv := tsv || app.search_more(p_config, left(body, more), part);
      RETURN;
    EXCEPTION WHEN program_limit_exceeded THEN
      NULL;  -- as many as fit, below
    END;
  ELSE
    WHILE place <= length(body) LOOP
      part := to_tsvector(p_config, app.fts_text(substr(body, place, piece)));
      IF place > 1 THEN part := strip(part); END IF;
      BEGIN
        tsv := tsv || part;
      EXCEPTION WHEN program_limit_exceeded THEN
        truncated := true;
        RETURN;
      END;
      place := place + piece;
    END LOOP;
    place := 1;
  END IF;
  WHILE place <= least(length(body), more) LOOP
    BEGIN
      tsv := tsv || app.search_more(p_config, substr(body, place, piece), strip(tsv));
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

-- U+0001 stands in the index for "a text so long that PostgreSQL does not know the place of every word": it keeps 255
-- places of a word, and none beyond the 16,383rd. There the parts of a compound may be apart.
-- Of what is typed one word, or a "phrase": its parts one after the other, or, as the index has it too, the whole. Empty
-- where it is only stop words. p_last: the end may be the beginning of a longer word.
CREATE FUNCTION app.search_term(p_config regconfig, p_typed text, p_last boolean DEFAULT false) RETURNS tsquery
LANGUAGE plpgsql STABLE SET client_min_messages = warning AS $$
DECLARE
  phrase boolean := p_typed LIKE '"%' OR p_typed !~ '[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]';
  parts text[] := regexp_split_to_array(trim(regexp_replace(app.fts_text(p_typed),
    '[!-/:-@[-`{-~\u00a1\u00ab\u00b7\u00bb\u00bf\u2010-\u2015\u2018-\u201f\u2022\u2039\u203a\u2044]+', ' ', 'g')), '\s+');
  found tsquery;
  whole tsquery;
  beginning tsquery;
  before text;
BEGIN
  found := CASE WHEN phrase THEN phraseto_tsquery(p_config, array_to_string(parts, ' '))
    ELSE plainto_tsquery(p_config, array_to_string(parts, ' ')) END;
  IF cardinality(parts) > 1 OR octet_length(p_typed) > length(p_typed) THEN
    whole := app.fold(CASE WHEN phrase THEN phraseto_tsquery(p_config, app.fts_whole(p_typed))
      ELSE plainto_tsquery(p_config, app.fts_whole(p_typed)) END::text)::tsquery;
    found := CASE
      WHEN numnode(whole) = 0 THEN whole  -- "für" is a stop word, "fur" is none
      WHEN numnode(whole) = 1 AND (found::text ~ '^(''.'')?$' OR numnode(found) + 1 < cardinality(parts))
        THEN whole  -- "to@do.com" has little beside stop words
      WHEN numnode(whole) > 1 OR whole = found THEN found  -- wholes have no positions
      ELSE found || whole END;
  END IF;
  IF cardinality(parts) > 1 AND phrase AND p_typed NOT LIKE '"%' AND numnode(found) > 1 THEN
    found := found || (E'\x01'::tsquery && plainto_tsquery(p_config, array_to_string(parts, ' ')));
  END IF;
  IF p_last THEN
    beginning := to_tsquery('simple', quote_literal(parts[cardinality(parts)]) || ':*');
    before := array_to_string(parts[:cardinality(parts) - 1], ' ');
    found := found || (phraseto_tsquery(p_config, before) <-> beginning);
    IF before <> '' THEN found := found || (E'\x01'::tsquery && plainto_tsquery(p_config, before) && beginning); END IF;
  END IF;
  RETURN found;
END $$;
-- What is typed, as websearch_to_tsquery reads it: all words, "a phrase", or, -not.
CREATE FUNCTION app.search_query(p_config regconfig, p_query text, p_last text) RETURNS tsquery
LANGUAGE plpgsql STABLE SET client_min_messages = warning AS $$
DECLARE
  typed text;
  term tsquery;
  every tsquery := '';
  found tsquery := '';
BEGIN
  FOR typed IN SELECT m[1] FROM regexp_matches(p_query, '-?"[^"]*"?|[^\s"]+', 'g') m LOOP
    IF lower(typed) = 'or' THEN
      found := found || every;
      every := '';
      CONTINUE;
    END IF;
    term := app.search_term(p_config, ltrim(typed, '-'));
    every := every && CASE WHEN typed LIKE '-%' THEN !! term ELSE term END;
  END LOOP;
  IF p_last IS NOT NULL THEN every := every && app.search_term(p_config, p_last, true); END IF;
  RETURN found || every;
END $$;
CREATE OR REPLACE FUNCTION app.search_queries(p_query text, p_last text) RETURNS TABLE (language text, query tsquery)
LANGUAGE plpgsql STABLE SET client_min_messages = warning AS $$
DECLARE
  most constant integer := 40;
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
    query := app.search_query(app.fts_config(language), p_query, p_last);
    IF querytree(query) NOT IN ('', 'T') THEN RETURN NEXT; END IF;
  END LOOP;
END $$;

-- The text with U+0002 and U+0003 around the words that the query finds, and none of these elsewhere.
CREATE OR REPLACE FUNCTION app.search_marked(p_config regconfig, p_text text, p_query tsquery) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  text text := translate(p_text, chr(2) || chr(3), '');
  wanted tsquery := (
    SELECT string_agg(m[1], ' | ')::tsquery FROM regexp_matches(querytree(p_query), '(''(?:[^'']|'''')+''(?::\*)?)', 'g') m);
  -- Signs of which the parser makes compounds, or (<) tags that it drops, and what stands for them meanwhile.
  signs constant text := '-./_@:+~&<';
  others constant text := E'\x01\x04\x05\x06\x07\x08\x0e\x0f\x10\x11';
BEGIN
  IF app.fold(text) = text THEN
    RETURN translate(ts_headline(p_config, regexp_replace(translate(translate(text, others || chr(31), ''), signs, others),
        '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])', chr(31) || '\1' || chr(31), 'g'), p_query,
      format('StartSel=%s, StopSel=%s, HighlightAll=true', chr(2), chr(3))), others || chr(31), signs);
  END IF;
  RETURN coalesce((
    WITH pieces AS MATERIALIZED (  -- of one Han, kana or hangul; of a word; of what stands between
      SELECT m[1] AS unspaced, m[2] AS word, m[3] AS other, m[2] ~ '^[A-Za-z]+$' AS plain, n
      FROM regexp_matches(text, '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])|([^\s!-/:-@[-`{-~\u00a0-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u2010-\u206f\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+)|([\s!-/:-@[-`{-~\u00a0-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u2010-\u206f\u3000-\u303f]+)', 'g')
        WITH ORDINALITY x (m, n)),
    plain AS (  -- each has a place of its own, so they can be looked at together
      SELECT n, row_number() OVER (ORDER BY n) AS place FROM pieces WHERE plain),
    places AS (
      SELECT unnest(l.positions) AS place
      FROM unnest(to_tsvector(p_config, (SELECT string_agg(word, ' ' ORDER BY n) FROM pieces WHERE plain))) l
      WHERE array_to_tsvector(ARRAY[l.lexeme]) @@ wanted),
    marked AS (
      SELECT n FROM plain JOIN places USING (place)
      UNION ALL SELECT n FROM pieces WHERE NOT plain AND app.search_vector(p_config, word) @@ wanted
      UNION ALL SELECT n FROM pieces WHERE unspaced IS NOT NULL AND array_to_tsvector(ARRAY[coalesce(unspaced, ' ')]) @@ wanted)
    SELECT string_agg(CASE WHEN m.n IS NULL THEN concat(p.unspaced, p.word, p.other)
        ELSE concat(chr(2), p.unspaced, p.word, chr(3)) END, '' ORDER BY p.n)
    FROM pieces p LEFT JOIN marked m ON m.n = p.n), '');
END $$;
-- Some 400 characters of a text around what the query finds, marked; its beginning where that is further down.
CREATE OR REPLACE FUNCTION app.search_snippet(p_config regconfig, p_text text, p_query tsquery, p_words text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  looked constant integer := 100000;
  head text := left(p_text, looked);
  low text;
  place integer;
  word text[];
  part text;
BEGIN
  IF octet_length(head) <> length(head) THEN
    head := normalize(head, NFC);
    -- Without accents, and as many characters as before.
    low := lower(normalize(regexp_replace(normalize(head, NFD), '(?<=[A-Za-z\u0370-\u03ff\u0415\u0435])[\u0300-\u036f]+', '', 'g'), NFC));
  ELSE
    low := lower(head);
  END IF;
  place := strpos(low, lower(app.fold(p_words)));
  IF place = 0 THEN
    FOR word IN SELECT regexp_matches(querytree(p_query), '''((?:[^'']|'''')+)''', 'g') LOOP
      place := strpos(low, replace(word[1], '''''', ''''));
      EXIT WHEN place > 0;
    END LOOP;
  END IF;
  place := greatest(place - 100, 1);
  part := substr(head, place, 400);
  IF place > 1 THEN part := '…' || regexp_replace(part, '^\S{0,40}\s+', ''); END IF;
  IF length(p_text) > place + 400 THEN part := regexp_replace(part, '\s+\S{0,40}$', '') || '…'; END IF;
  RETURN app.search_marked(p_config, part, p_query);
END $$;

-- Everything is indexed again, in the background: behind whatever changes meanwhile.
INSERT INTO search_queue (id, document_id) OVERRIDING SYSTEM VALUE
  SELECT 4611686018427387904 + row_number() OVER (ORDER BY updated_at DESC), id FROM documents d
  WHERE deleted_at IS NULL AND NOT EXISTS (SELECT FROM search_queue q WHERE q.document_id = d.id);

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.fold(text), app.fts_whole(text), app.search_more(regconfig, text, tsvector),
  app.search_vector(regconfig, text), app.search_term(regconfig, text, boolean), app.search_query(regconfig, text, text)
  TO app_service, app_admin;
