CREATE OR REPLACE FUNCTION app.purge_archive(p_days integer DEFAULT 90, p_limit integer DEFAULT 100) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH gone AS (DELETE FROM document_archive WHERE document_id IN (
    SELECT document_id FROM document_archive WHERE archived_at < now() - make_interval(days => p_days) LIMIT p_limit)
    RETURNING 1)
  SELECT count(*)::integer FROM gone $$;
REVOKE EXECUTE ON FUNCTION app.purge_archive(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.purge_archive(integer, integer) TO app_service, app_admin;
