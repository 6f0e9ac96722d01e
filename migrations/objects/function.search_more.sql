-- What a text has beside the words of `p_words` (its parts): compounds as wholes, words as the language's rules make
-- them with their accents, and numbers within words ("9110" in "RFC9110"). Without positions.
CREATE OR REPLACE FUNCTION app.search_more(p_config regconfig, p_text text, p_words tsvector) RETURNS tsvector
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
REVOKE EXECUTE ON FUNCTION app.search_more(regconfig, text, tsvector) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_more(regconfig, text, tsvector) TO app_service, app_admin;
