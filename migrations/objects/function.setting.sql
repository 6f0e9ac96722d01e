-- Who is asking. A setting that was SET LOCAL once reads '' afterwards, not NULL. Nobody set: no rows, never an error.
CREATE OR REPLACE FUNCTION app.setting(p_name text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT NULLIF(current_setting('app.' || p_name, true), '') $$;
REVOKE EXECUTE ON FUNCTION app.setting(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.setting(text) TO app_readonly, app_readwrite, app_service, app_admin;
