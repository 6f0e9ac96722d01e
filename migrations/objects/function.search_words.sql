-- Of a query with phrases, the words alone, which the index can answer; where something must not be there, the query.
CREATE OR REPLACE FUNCTION app.search_words(p_query tsquery) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_query::text ~ '!' THEN p_query
    ELSE regexp_replace(p_query::text, ' <(-|\d+)> ', ' & ', 'g')::tsquery END $$;
REVOKE EXECUTE ON FUNCTION app.search_words(tsquery) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_words(tsquery) TO app_service, app_admin;
