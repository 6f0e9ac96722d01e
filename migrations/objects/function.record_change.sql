-- An update within the transaction that made or changed the same thing shortly before joins that entry.
-- p_actor, p_device: for what the server does for somebody; the client version is what that device last said it runs.
CREATE OR REPLACE FUNCTION app.record_change(p_workspace uuid, p_type text, p_id uuid, p_document uuid, p_operation change_operation,
  p_fields text[] DEFAULT NULL, p_hash text DEFAULT NULL, p_version bigint DEFAULT NULL, p_target uuid DEFAULT NULL,
  p_actor uuid DEFAULT NULL, p_device text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE joined bigint;
BEGIN
  -- A reader must not see what a crash can take back.
  IF current_setting('synchronous_commit') = 'off' THEN PERFORM set_config('synchronous_commit', 'on', true); END IF;
  IF p_operation = 'update' AND p_target IS NULL THEN
    -- Looked up first: in one statement the planner may join all entries of a large transaction.
    SELECT last.id INTO joined FROM (
      SELECT id, entity_id, entity_type, operation FROM sync_log
      WHERE workspace_id = p_workspace AND xid = pg_current_xact_id() AND target_user_id IS NULL
      ORDER BY id DESC LIMIT 8) last
    WHERE last.entity_id = p_id AND last.entity_type = p_type AND last.operation <> 'delete'
    ORDER BY last.id DESC LIMIT 1;
    IF FOUND THEN
      UPDATE sync_log SET content_hash = coalesce(p_hash, content_hash), row_version = coalesce(p_version, row_version),
        changed_fields = CASE WHEN operation = 'create' THEN changed_fields
          ELSE ARRAY(SELECT DISTINCT f FROM unnest(changed_fields || p_fields) f ORDER BY f) END
      WHERE workspace_id = p_workspace AND xid = pg_current_xact_id() AND id = joined;
      RETURN;
    END IF;
  END IF;
  INSERT INTO sync_log (workspace_id, target_user_id, entity_type, entity_id, document_id, operation, changed_fields,
                        content_hash, row_version, changed_by, device_id, client_version)
  VALUES (p_workspace, p_target, p_type, p_id, p_document, p_operation, p_fields, p_hash, p_version,
          coalesce(app.user_id(), p_actor), coalesce(app.setting('device_id'), p_device),
          coalesce(app.setting('client_version'),
                   (SELECT v.client_version FROM devices v WHERE v.user_id = p_actor AND v.id = p_device)));
END $$;
REVOKE EXECUTE ON FUNCTION app.record_change(uuid, text, uuid, uuid, change_operation, text[], text, bigint, uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.record_change(uuid, text, uuid, uuid, change_operation, text[], text, bigint, uuid, uuid, text) TO app_service, app_admin;
