-- Presence: connections to documents, copied from the servers' memory for the API and for operators.

-- UNLOGGED: no WAL, and emptied by a crash, after which the servers fill it again. No index has a column that changes
-- while a connection lasts, and half of each page is free, so that refreshing a row touches no index (HOT).
CREATE UNLOGGED TABLE presence (
  connection_id text PRIMARY KEY, node_id text NOT NULL,  -- <host>:<port>:<place>/<a number of that process's life>
  document_id uuid NOT NULL, workspace_id uuid NOT NULL,
  user_id uuid REFERENCES users ON DELETE CASCADE, guest_name text,
  device_type text, device_name text,
  cursor_position jsonb, selection_range jsonb, is_typing boolean NOT NULL DEFAULT false, current_block_id text,
  connected_at timestamptz NOT NULL DEFAULT now(), last_activity_at timestamptz NOT NULL DEFAULT now(),
  disconnected_at timestamptz,  -- it has left; of people, the last such row of a document tells when they were there
  expires_at timestamptz NOT NULL DEFAULT now() + interval '14 seconds',  -- unless its node says again that it is there
  FOREIGN KEY (document_id, workspace_id) REFERENCES documents (id, workspace_id) ON DELETE CASCADE ON UPDATE CASCADE)
  WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX presence_document ON presence (document_id);
CREATE INDEX presence_workspace ON presence (workspace_id);
CREATE INDEX presence_user ON presence (user_id);
CREATE INDEX presence_node ON presence (node_id);

CREATE VIEW active_presence WITH (security_invoker = true) AS
SELECT connection_id, node_id, document_id, workspace_id, user_id, guest_name, device_type, device_name,
  cursor_position, selection_range, is_typing, current_block_id, connected_at, last_activity_at, expires_at
FROM presence WHERE disconnected_at IS NULL AND expires_at > now();

-- One call per node and interval, for any number of connections. p_rows: those that came or changed; p_left: those that
-- have gone; p_beat: all others of this node are still there. Returns how many of this node are there: fewer than it
-- believes after a crash of PostgreSQL.
CREATE FUNCTION app.mirror_presence(p_node text, p_rows jsonb, p_left text[], p_beat boolean) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
  UPDATE presence SET disconnected_at = now()
    WHERE connection_id = ANY (p_left) AND user_id IS NOT NULL AND disconnected_at IS NULL;
  DELETE FROM presence WHERE connection_id = ANY (p_left) AND user_id IS NULL;
  DELETE FROM presence old USING presence gone
    WHERE gone.connection_id = ANY (p_left) AND old.user_id = gone.user_id AND old.document_id = gone.document_id
      AND ((old.disconnected_at, old.connection_id) < (gone.disconnected_at, gone.connection_id)
           OR (old.disconnected_at IS NULL AND old.expires_at < now()));
  INSERT INTO presence AS p (connection_id, node_id, document_id, workspace_id, user_id, guest_name, device_type,
                             device_name, cursor_position, selection_range, is_typing, current_block_id)
    SELECT x.connection_id, p_node, d.id, d.workspace_id, u.id, x.guest_name, x.device_type, x.device_name,
           x.cursor_position, x.selection_range, x.is_typing, x.current_block_id
    FROM jsonb_to_recordset(p_rows) x (connection_id text, document_id uuid, user_id uuid, guest_name text,
      device_type text, device_name text, cursor_position jsonb, selection_range jsonb, is_typing boolean,
      current_block_id text)
    JOIN documents d ON d.id = x.document_id LEFT JOIN users u ON u.id = x.user_id
    ORDER BY d.id, x.connection_id
    ON CONFLICT (connection_id) DO UPDATE SET guest_name = EXCLUDED.guest_name,
      cursor_position = EXCLUDED.cursor_position, selection_range = EXCLUDED.selection_range,
      is_typing = EXCLUDED.is_typing, current_block_id = EXCLUDED.current_block_id, last_activity_at = now(),
      disconnected_at = NULL, expires_at = EXCLUDED.expires_at;
  IF p_beat THEN
    UPDATE presence SET expires_at = now() + interval '14 seconds'
      WHERE node_id = p_node AND disconnected_at IS NULL AND expires_at < now() + interval '9 seconds';
  END IF;
  RETURN (SELECT count(*) FROM presence WHERE node_id = p_node AND disconnected_at IS NULL);
END $$;

-- Nobody is connected any more to the processes whose id begins so, but for one of them.
CREATE FUNCTION app.end_presence(p_prefix text, p_except text) RETURNS void LANGUAGE sql AS $$
  DELETE FROM presence WHERE starts_with(node_id, p_prefix) AND node_id <> p_except AND user_id IS NULL;
  UPDATE presence SET disconnected_at = least(now(), expires_at)
    WHERE starts_with(node_id, p_prefix) AND node_id <> p_except AND disconnected_at IS NULL $$;

-- What tells nothing any more: guests of a node that died, and people who were last there a week ago.
CREATE FUNCTION app.purge_presence() RETURNS bigint LANGUAGE sql AS $$
  WITH gone AS (
    DELETE FROM presence WHERE connection_id IN (
      SELECT connection_id FROM presence
      WHERE coalesce(disconnected_at, expires_at)
        < now() - CASE WHEN user_id IS NULL THEN interval '1 minute' ELSE interval '7 days' END
      LIMIT 10000) RETURNING 1)
  SELECT count(*) FROM gone $$;

ALTER TABLE presence ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON presence TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY via_document ON presence FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = presence.document_id));
GRANT SELECT, INSERT, UPDATE, DELETE ON presence TO app_service, app_admin;
GRANT SELECT ON presence TO app_readonly, app_readwrite;
GRANT SELECT ON active_presence TO app_readonly, app_readwrite, app_service, app_admin;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.mirror_presence(text, jsonb, text[], boolean), app.end_presence(text, text),
  app.purge_presence() TO app_service, app_admin;
