CREATE OR REPLACE FUNCTION app.is_server_administrator() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM users WHERE id = app.user_id() AND role = 'admin' AND is_active AND deleted_at IS NULL) $$;
REVOKE EXECUTE ON FUNCTION app.is_server_administrator() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.is_server_administrator() TO app_readonly, app_readwrite, app_service, app_admin;
