-- Some 400 characters of a text around what the query finds, marked; its beginning where that is further down.
CREATE OR REPLACE FUNCTION app.search_snippet(p_config regconfig, p_text text, p_query tsquery, p_words text) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  looked constant integer := 100000;
  head text := left(p_text, looked);
  low text := lower(head);
  typed text := lower(app.fold(p_words));
  place integer := strpos(low, typed);
  word text[];
  part text;
BEGIN
  IF place = 0 AND octet_length(head) <> length(head)
      AND head ~ '[\u00c0-\u024f\u0300-\u03ff\u0415\u0435\u1e00-\u1fff]' THEN
    -- Without accents, and as many characters as before. Takes several times as long as all the rest.
    head := normalize(head, NFC);
    low := lower(normalize(regexp_replace(normalize(head, NFD), '(?<=[A-Za-z\u0370-\u03ff\u0415\u0435])[\u0300-\u036f]+', '', 'g'), NFC));
    place := strpos(low, typed);
  END IF;
  IF place = 0 THEN
    FOR word IN SELECT regexp_matches(querytree(p_query), '''((?:[^'']|'''')+)''', 'g') LOOP
      place := strpos(low, replace(word[1], '''''', ''''));
      EXIT WHEN place > 0;
    END LOOP;
  END IF;
  place := greatest(place - 100, 1);
  part := substr(head, place, 400);
  IF octet_length(part) <> length(part) AND part IS NOT NFC NORMALIZED THEN part := normalize(part, NFC); END IF;
  IF place > 1 THEN part := regexp_replace(part, '^\S{0,40}\s+', ''); END IF;
  IF length(p_text) > place + 400 THEN part := regexp_replace(part, '\s+\S{0,40}$', ''); END IF;
  -- The signs of omission come last: with them every part would be marked as text that is not ASCII.
  RETURN concat(CASE WHEN place > 1 THEN '…' END, app.search_marked(p_config, part, p_query),
    CASE WHEN length(p_text) > place + 400 THEN '…' END);
END $$;
REVOKE EXECUTE ON FUNCTION app.search_snippet(regconfig, text, tsquery, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_snippet(regconfig, text, tsquery, text) TO app_service, app_admin;
