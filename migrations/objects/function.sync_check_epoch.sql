-- After a restore or a failover ids may be reused: everything starts again, under a new epoch. -> the epoch
CREATE OR REPLACE FUNCTION app.sync_check_epoch() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE m sync_meta;
BEGIN
  SELECT * INTO m FROM sync_meta FOR UPDATE;
  IF m.history <> app.sync_history()
     OR EXISTS (SELECT FROM sync_log
                WHERE xid::text::bigint >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint) THEN
    DELETE FROM sync_log;
    DELETE FROM sync_floors;
    UPDATE sync_meta SET epoch = greatest(epoch + 1, extract(epoch FROM now())::bigint),
      history = app.sync_history(), floor_xid = '0', floor_id = 0 RETURNING * INTO m;
  END IF;
  RETURN m.epoch;
END $$;
REVOKE EXECUTE ON FUNCTION app.sync_check_epoch() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.sync_check_epoch() TO app_service, app_admin;
