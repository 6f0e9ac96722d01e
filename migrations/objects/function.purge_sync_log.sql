-- Entries go with their floors, in one statement: nobody reads between the two. Only below the horizon: readers begin
-- and go on at the floor, which what an open transaction holds back must not be behind. -> how many
CREATE OR REPLACE FUNCTION app.purge_sync_log(p_days integer DEFAULT 90, p_limit integer DEFAULT 10000) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH old AS (
      SELECT workspace_id, xid, id FROM sync_log WHERE created_at < now() - make_interval(days => p_days)
        AND xid < pg_snapshot_xmin(pg_current_snapshot()) LIMIT p_limit),
    gone AS (
      DELETE FROM sync_log s USING old WHERE (s.workspace_id, s.xid, s.id) = (old.workspace_id, old.xid, old.id)
      RETURNING s.workspace_id, s.xid, s.id),
    floors AS (
      INSERT INTO sync_floors AS f
      SELECT DISTINCT ON (workspace_id) workspace_id, xid, id FROM gone ORDER BY workspace_id, xid DESC, id DESC
      ON CONFLICT (workspace_id) DO UPDATE SET floor_xid = EXCLUDED.floor_xid, floor_id = EXCLUDED.floor_id
        WHERE (EXCLUDED.floor_xid, EXCLUDED.floor_id) > (f.floor_xid, f.floor_id)),
    newest AS (SELECT xid, id FROM gone ORDER BY xid DESC, id DESC LIMIT 1),
    whole AS (
      UPDATE sync_meta m SET floor_xid = n.xid, floor_id = n.id FROM newest n
      WHERE (n.xid, n.id) > (m.floor_xid, m.floor_id))
  SELECT count(*)::integer FROM gone $$;
REVOKE EXECUTE ON FUNCTION app.purge_sync_log(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.purge_sync_log(integer, integer) TO app_service, app_admin;
