-- Workspaces that were deleted so many days ago, with all that is in them. Returns how many.
CREATE OR REPLACE FUNCTION app.purge_workspaces(p_days integer DEFAULT 30, p_limit integer DEFAULT 20) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH gone AS (DELETE FROM workspaces WHERE id IN (
    SELECT id FROM workspaces WHERE deleted_at < now() - make_interval(days => p_days) AND kind <> 'playground'
    ORDER BY deleted_at LIMIT p_limit FOR UPDATE SKIP LOCKED) RETURNING 1)
  SELECT count(*)::integer FROM gone $$;
REVOKE EXECUTE ON FUNCTION app.purge_workspaces(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.purge_workspaces(integer, integer) TO app_service, app_admin;
