-- Han, kana and hangul are written without spaces: their characters are separated, here and in what is searched for.
CREATE OR REPLACE FUNCTION app.fts_whole(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN octet_length(p_text) = length(p_text) THEN p_text
    ELSE regexp_replace(normalize(p_text, NFKC), '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])', ' \1 ', 'g') END $$;
REVOKE EXECUTE ON FUNCTION app.fts_whole(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.fts_whole(text) TO app_service, app_admin;
