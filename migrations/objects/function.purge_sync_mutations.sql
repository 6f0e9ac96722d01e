-- -> how many it took
CREATE OR REPLACE FUNCTION app.purge_sync_mutations(p_days integer DEFAULT 90, p_limit integer DEFAULT 10000) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH done AS (DELETE FROM sync_mutations WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM sync_mutations WHERE created_at < now() - make_interval(days => p_days) LIMIT p_limit))
      RETURNING 1),
    told AS (DELETE FROM sync_conflicts WHERE id IN (
      SELECT id FROM sync_conflicts WHERE created_at < now() - make_interval(days => p_days) LIMIT p_limit)
      RETURNING 1)
  SELECT ((SELECT count(*) FROM done) + (SELECT count(*) FROM told))::integer $$;
REVOKE EXECUTE ON FUNCTION app.purge_sync_mutations(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.purge_sync_mutations(integer, integer) TO app_service, app_admin;
