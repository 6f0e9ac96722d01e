CREATE OR REPLACE FUNCTION app.search_language(p_language text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT cfgname::text FROM pg_ts_config WHERE cfgname = p_language LIMIT 1), 'simple') $$;
REVOKE EXECUTE ON FUNCTION app.search_language(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_language(text) TO app_service, app_admin;
