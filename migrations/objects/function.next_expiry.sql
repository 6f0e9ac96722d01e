-- Seconds until the next document expires; NULL: none does.
CREATE OR REPLACE FUNCTION app.next_expiry() RETURNS float8
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT extract(epoch FROM min(expires_at) - clock_timestamp())::float8 FROM documents
  WHERE expires_at IS NOT NULL AND deleted_at IS NULL $$;
REVOKE EXECUTE ON FUNCTION app.next_expiry() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.next_expiry() TO app_service, app_admin;
