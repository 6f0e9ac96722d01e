CREATE OR REPLACE FUNCTION app.fts_config(p_language text) RETURNS regconfig LANGUAGE plpgsql STABLE AS $$
BEGIN RETURN p_language::regconfig; EXCEPTION WHEN OTHERS THEN RETURN 'simple'::regconfig; END $$;
REVOKE EXECUTE ON FUNCTION app.fts_config(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.fts_config(text) TO app_service, app_admin;
