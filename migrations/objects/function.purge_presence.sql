-- What tells nothing any more: guests of a node that died, and people who were last there a week ago.
CREATE OR REPLACE FUNCTION app.purge_presence() RETURNS bigint LANGUAGE sql AS $$
  WITH gone AS (
    DELETE FROM presence WHERE connection_id IN (
      SELECT connection_id FROM presence
      WHERE coalesce(disconnected_at, expires_at)
        < now() - CASE WHEN user_id IS NULL THEN interval '1 minute' ELSE interval '7 days' END
      LIMIT 10000) RETURNING 1)
  SELECT count(*) FROM gone $$;
REVOKE EXECUTE ON FUNCTION app.purge_presence() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.purge_presence() TO app_service, app_admin;
