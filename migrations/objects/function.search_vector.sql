CREATE OR REPLACE FUNCTION app.search_vector(p_config regconfig, p_text text) RETURNS tsvector
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE words tsvector := to_tsvector(p_config, app.fts_text(p_text));
BEGIN
  RETURN words || app.search_more(p_config, p_text, words);
END $$;
REVOKE EXECUTE ON FUNCTION app.search_vector(regconfig, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_vector(regconfig, text) TO app_service, app_admin;
