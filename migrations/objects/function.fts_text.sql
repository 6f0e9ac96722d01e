-- The same, folded, and with spaces for the signs of which the parser makes compounds (identifiers, paths, addresses) or
-- tags: they are their parts. Not translate(), which takes ten times as long.
CREATE OR REPLACE FUNCTION app.fts_text(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT regexp_replace(CASE WHEN octet_length(p_text) = length(p_text) THEN p_text
      ELSE regexp_replace(app.fold(p_text), '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])', ' \1 ', 'g') END,
    '[-./_@:+~&<]+', ' ', 'g') $$;
REVOKE EXECUTE ON FUNCTION app.fts_text(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.fts_text(text) TO app_service, app_admin;
