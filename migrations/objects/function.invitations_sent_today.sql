-- Also in workspaces that are deleted by now: they would be a way around.
CREATE OR REPLACE FUNCTION app.invitations_sent_today() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT count(*) FROM invitations WHERE invited_by = app.user_id() AND sent_at > now() - interval '1 day' $$;
REVOKE EXECUTE ON FUNCTION app.invitations_sent_today() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.invitations_sent_today() TO app_readonly, app_readwrite, app_service, app_admin;
