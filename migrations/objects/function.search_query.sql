-- What is typed, as websearch_to_tsquery reads it: all words, "a phrase", or, -not.
CREATE OR REPLACE FUNCTION app.search_query(p_config regconfig, p_query text, p_last text) RETURNS tsquery
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
REVOKE EXECUTE ON FUNCTION app.search_query(regconfig, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_query(regconfig, text, text) TO app_service, app_admin;
