-- One call per node and interval, for any number of connections. p_rows: those that came or changed; p_left: those that
-- have gone; p_beat: all others of this node are still there. Returns how many of this node are there: fewer than it
-- believes after a crash of PostgreSQL.
CREATE OR REPLACE FUNCTION app.mirror_presence(p_node text, p_rows jsonb, p_left text[], p_beat boolean) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
  -- An uncommitted DELETE or move of a document locks the rows of its presence. The other documents do not wait for it.
  gone_ids text[] := ARRAY(SELECT connection_id FROM presence WHERE connection_id = ANY (p_left)
    ORDER BY 1 FOR UPDATE SKIP LOCKED);
  free uuid[] := ARRAY(SELECT id FROM documents WHERE id IN (SELECT (r ->> 'document_id')::uuid
    FROM jsonb_array_elements(p_rows) r) ORDER BY id FOR KEY SHARE SKIP LOCKED);
BEGIN
  UPDATE presence SET disconnected_at = now()
    WHERE connection_id = ANY (gone_ids) AND user_id IS NOT NULL AND disconnected_at IS NULL;
  DELETE FROM presence WHERE connection_id = ANY (gone_ids) AND user_id IS NULL;
  DELETE FROM presence old USING presence gone
    WHERE gone.connection_id = ANY (gone_ids) AND old.user_id = gone.user_id AND old.document_id = gone.document_id
      AND ((old.disconnected_at, old.connection_id) < (gone.disconnected_at, gone.connection_id)
           OR (old.disconnected_at IS NULL AND old.expires_at < now()));
  INSERT INTO presence AS p (connection_id, node_id, document_id, workspace_id, user_id, guest_name, device_type,
                             device_name, cursor_position, selection_range, is_typing, current_block_id)
    SELECT x.connection_id, p_node, d.id, d.workspace_id, u.id, x.guest_name, x.device_type, x.device_name,
           x.cursor_position, x.selection_range, x.is_typing, x.current_block_id
    FROM jsonb_to_recordset(p_rows) x (connection_id text, document_id uuid, user_id uuid, guest_name text,
      device_type text, device_name text, cursor_position jsonb, selection_range jsonb, is_typing boolean,
      current_block_id text)
    JOIN documents d ON d.id = x.document_id AND d.id = ANY (free) LEFT JOIN users u ON u.id = x.user_id
    ORDER BY d.id, x.connection_id
    ON CONFLICT (connection_id) DO UPDATE SET guest_name = EXCLUDED.guest_name,
      cursor_position = EXCLUDED.cursor_position, selection_range = EXCLUDED.selection_range,
      is_typing = EXCLUDED.is_typing, current_block_id = EXCLUDED.current_block_id, last_activity_at = now(),
      disconnected_at = NULL, expires_at = EXCLUDED.expires_at;
  IF p_beat THEN
    UPDATE presence SET expires_at = now() + interval '14 seconds' WHERE connection_id IN (
      SELECT connection_id FROM presence WHERE node_id = p_node AND disconnected_at IS NULL
        AND expires_at < now() + interval '9 seconds' ORDER BY 1 FOR UPDATE SKIP LOCKED);
  END IF;
  RETURN (SELECT count(*) FROM presence WHERE node_id = p_node AND disconnected_at IS NULL);
END $$;
REVOKE EXECUTE ON FUNCTION app.mirror_presence(text, jsonb, text[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.mirror_presence(text, jsonb, text[], boolean) TO app_service, app_admin;

-- As with four arguments; what is there is stale p_seconds after a beat. A row that just came is after 14.
CREATE OR REPLACE FUNCTION app.mirror_presence(p_node text, p_rows jsonb, p_left text[], p_beat boolean, p_seconds float8)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE known bigint := app.mirror_presence(p_node, p_rows, p_left, false);
BEGIN
  IF p_beat THEN
    UPDATE presence SET expires_at = now() + make_interval(secs => p_seconds) WHERE connection_id IN (
      SELECT connection_id FROM presence WHERE node_id = p_node AND disconnected_at IS NULL
        AND expires_at < now() + make_interval(secs => p_seconds - 5) ORDER BY 1 FOR UPDATE SKIP LOCKED);
  END IF;
  RETURN known;
END $$;
REVOKE EXECUTE ON FUNCTION app.mirror_presence(text, jsonb, text[], boolean, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.mirror_presence(text, jsonb, text[], boolean, double precision) TO app_service, app_admin;
