CREATE OR REPLACE FUNCTION app.title_without(p_name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(NULLIF(btrim(regexp_replace(rtrim(p_name, '/'), '^.*/', '')), ''), p_name, 'Untitled') $$;
REVOKE EXECUTE ON FUNCTION app.title_without(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.title_without(text) TO app_readonly, app_readwrite, app_service, app_admin;
