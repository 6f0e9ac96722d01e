-- The address that is proved to be the transaction's user's, in lower case: without proof, anybody could register
-- with it to get what was meant for another.
CREATE OR REPLACE FUNCTION app.verified_email() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT lower(email) FROM users WHERE id = app.user_id() AND email_verified AND is_active AND deleted_at IS NULL $$;
REVOKE EXECUTE ON FUNCTION app.verified_email() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.verified_email() TO app_readonly, app_readwrite, app_service, app_admin;
