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
