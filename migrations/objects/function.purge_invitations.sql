CREATE OR REPLACE FUNCTION app.purge_invitations(p_days integer DEFAULT 90, p_limit integer DEFAULT 1000) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH old AS (DELETE FROM invitations WHERE id IN (
    SELECT id FROM invitations WHERE status <> 'pending' AND responded_at < now() - make_interval(days => p_days)
    LIMIT p_limit FOR UPDATE SKIP LOCKED) RETURNING 1)
  SELECT count(*)::integer FROM old $$;
REVOKE EXECUTE ON FUNCTION app.purge_invitations(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.purge_invitations(integer, integer) TO app_service, app_admin;
