-- U+0001 stands in the index for "a text so long that PostgreSQL does not know the place of every word": it keeps 255
-- places of a word, and none beyond the 16,383rd. There the parts of a compound may be apart.
-- Of what is typed one word, or a "phrase": its parts one after the other, or, as the index has it too, the whole. Empty
-- where it is only stop words. p_last: the end may be the beginning of a longer word.
CREATE OR REPLACE FUNCTION app.search_term(p_config regconfig, p_typed text, p_last boolean DEFAULT false) RETURNS tsquery
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
REVOKE EXECUTE ON FUNCTION app.search_term(regconfig, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_term(regconfig, text, boolean) TO app_service, app_admin;
