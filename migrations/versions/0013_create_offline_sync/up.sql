-- Offline sync: mutations applied exactly once, and conflicts with the values that were overwritten.

CREATE TABLE sync_mutations (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  device_id text NOT NULL CHECK (length(device_id) BETWEEN 1 AND 200),
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
  fingerprint bytea NOT NULL,  -- SHA-256 of the mutation: the key of another one is a mistake of the client
  result jsonb NOT NULL DEFAULT '{}', created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, device_id, key));
CREATE INDEX sync_mutations_created ON sync_mutations USING brin (created_at);
CREATE TABLE sync_conflicts (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  document_id uuid NOT NULL, workspace_id uuid NOT NULL,
  user_id uuid REFERENCES users ON DELETE SET NULL, device_id text NOT NULL, kind text NOT NULL,
  overwritten jsonb NOT NULL, written jsonb NOT NULL,  -- values by field
  base_version bigint, row_version bigint NOT NULL,  -- that the device knew, and that it overwrote
  created_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (document_id, workspace_id) REFERENCES documents (id, workspace_id)
    ON UPDATE CASCADE ON DELETE CASCADE);
CREATE INDEX sync_conflicts_document ON sync_conflicts (document_id, created_at DESC, id DESC);
CREATE INDEX sync_conflicts_user ON sync_conflicts (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX sync_conflicts_created ON sync_conflicts USING brin (created_at);

-- -> how many it took
CREATE FUNCTION app.purge_sync_mutations(p_days integer DEFAULT 90, p_limit integer DEFAULT 10000) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH done AS (DELETE FROM sync_mutations WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM sync_mutations WHERE created_at < now() - make_interval(days => p_days) LIMIT p_limit))
      RETURNING 1),
    told AS (DELETE FROM sync_conflicts WHERE id IN (
      SELECT id FROM sync_conflicts WHERE created_at < now() - make_interval(days => p_days) LIMIT p_limit)
      RETURNING 1)
  SELECT ((SELECT count(*) FROM done) + (SELECT count(*) FROM told))::integer $$;

ALTER TABLE sync_mutations ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_conflicts ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON sync_mutations TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON sync_conflicts TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY own ON sync_mutations TO app_readwrite
  USING (user_id = app.user_id()) WITH CHECK (user_id = app.user_id());
CREATE POLICY via_document ON sync_conflicts FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = sync_conflicts.document_id));
CREATE POLICY own_insert ON sync_conflicts FOR INSERT TO app_readwrite
  WITH CHECK (user_id = app.user_id()
              AND workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON sync_mutations, sync_conflicts TO app_service, app_admin;
GRANT SELECT, INSERT, UPDATE ON sync_mutations TO app_readwrite;
GRANT SELECT, INSERT ON sync_conflicts TO app_readwrite;
GRANT SELECT ON sync_conflicts TO app_readonly;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.purge_sync_mutations(integer, integer) TO app_service, app_admin;
