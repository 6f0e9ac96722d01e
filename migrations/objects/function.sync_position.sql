-- Where the feed ends now: the newest entry below the horizon, not the horizon itself. A transaction id that no commit
-- has made durable is given out again after a crash, and then a cursor at the horizon would skip what it wrote.
-- is_current: false where another history has begun (app.sync_check_epoch). STABLE, so it sees what its query sees.
CREATE OR REPLACE FUNCTION app.sync_position(OUT epoch bigint, OUT is_current boolean, OUT xid xid8, OUT id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT m.epoch, m.history = app.sync_history(), ends.xid, ends.id
  FROM sync_meta m, LATERAL (
    SELECT l.xid, l.id FROM (
      (SELECT s.xid, s.id FROM sync_log s
       WHERE s.xid::text::bigint < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
       ORDER BY s.xid::text::bigint DESC, s.id DESC LIMIT 1)
      UNION ALL SELECT m.floor_xid, m.floor_id) l
    ORDER BY l.xid DESC, l.id DESC LIMIT 1) ends $$;
REVOKE EXECUTE ON FUNCTION app.sync_position() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.sync_position() TO app_readonly, app_readwrite, app_service, app_admin;
