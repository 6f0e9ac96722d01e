-- How old the oldest committed entry is that an open transaction, of whatever database of the cluster, holds back.
CREATE OR REPLACE FUNCTION app.sync_lag() RETURNS interval
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce((SELECT greatest(clock_timestamp() - created_at, interval '0') FROM sync_log
                   WHERE xid::text::bigint >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
                   ORDER BY xid::text::bigint, id LIMIT 1), interval '0') $$;
REVOKE EXECUTE ON FUNCTION app.sync_lag() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.sync_lag() TO app_service, app_admin;
