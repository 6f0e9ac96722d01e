-- Seconds until the next document or share expires; NULL: none does.
CREATE OR REPLACE FUNCTION app.next_expiry() RETURNS float8
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT extract(epoch FROM least(
    (SELECT min(expires_at) FROM documents WHERE expires_at IS NOT NULL AND deleted_at IS NULL),
    (SELECT min(expires_at) FROM shares WHERE expires_at IS NOT NULL AND NOT expired AND revoked_at IS NULL))
    - clock_timestamp())::float8 $$;
REVOKE EXECUTE ON FUNCTION app.next_expiry() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.next_expiry() TO app_service, app_admin;
