-- The link by which the caller came; NULL: none.
CREATE OR REPLACE FUNCTION app.share_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT app.setting('share_id')::uuid $$;
REVOKE EXECUTE ON FUNCTION app.share_id() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.share_id() TO app_readonly, app_readwrite, app_service, app_admin;
