-- Groups of three characters: of "ab c" they are "  a", " ab", "ab ", "  c" and " c ".
CREATE OR REPLACE FUNCTION app.trigrams(p_text text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT array_to_tsvector(ARRAY(
    SELECT DISTINCT substr(padded, i, 3)
    FROM (SELECT '  ' || replace(trim(regexp_replace(lower(app.fts_text(left(p_text, 500))), '[^[:alnum:]]+', ' ', 'g')),
            ' ', '   ') || ' ' AS padded) p, generate_series(1, length(padded) - 2) i
    WHERE right(substr(padded, i, 3), 2) <> '  ')) $$;
REVOKE EXECUTE ON FUNCTION app.trigrams(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.trigrams(text) TO app_service, app_admin;
