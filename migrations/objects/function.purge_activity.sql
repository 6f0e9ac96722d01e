CREATE OR REPLACE FUNCTION app.purge_activity(p_days integer DEFAULT 90, p_limit integer DEFAULT 10000) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH old AS (DELETE FROM activity_log WHERE id IN (
    SELECT id FROM activity_log WHERE created_at < now() - make_interval(days => p_days) LIMIT p_limit) RETURNING 1)
  SELECT count(*)::integer FROM old $$;
REVOKE EXECUTE ON FUNCTION app.purge_activity(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.purge_activity(integer, integer) TO app_service, app_admin;
