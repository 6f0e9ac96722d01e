CREATE OR REPLACE FUNCTION app.user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid $$;
REVOKE EXECUTE ON FUNCTION app.user_id() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.user_id() TO app_readonly, app_readwrite, app_service, app_admin;
