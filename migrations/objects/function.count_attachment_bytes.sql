-- Adds to what the attachments of a workspace take, at once: a file that does not fit is refused. Takes in the changes that
-- app.add_storage left for later, so the sum is exact.
CREATE OR REPLACE FUNCTION app.count_attachment_bytes(p_workspace uuid, p_bytes bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE used bigint; most bigint;
BEGIN
  PERFORM FROM workspace_usage WHERE workspace_id = p_workspace FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  WITH earlier AS (DELETE FROM storage_changes WHERE workspace_id = p_workspace RETURNING bytes, documents, history_bytes),
    total AS (SELECT coalesce(sum(bytes), 0) AS bytes, coalesce(sum(documents), 0) AS documents,
                coalesce(sum(history_bytes), 0) AS history FROM earlier)
  UPDATE workspace_usage u SET storage_used_bytes = greatest(0, u.storage_used_bytes + t.bytes + p_bytes),
    attachment_bytes = greatest(0, u.attachment_bytes + p_bytes),
    document_count = greatest(0, u.document_count + t.documents),
    history_bytes = greatest(0, u.history_bytes + t.history)
  FROM total t WHERE u.workspace_id = p_workspace RETURNING u.storage_used_bytes INTO used;
  IF p_bytes <= 0 THEN RETURN; END IF;
  SELECT storage_limit_bytes INTO most FROM workspaces WHERE id = p_workspace;
  IF used > most THEN
    RAISE EXCEPTION 'the storage of the workspace is full' USING ERRCODE = 'check_violation', CONSTRAINT = 'storage_quota';
  END IF;
  IF used > most * 0.8 AND used - p_bytes <= most * 0.8 THEN
    PERFORM app.notify(m.user_id, 'storage', p_workspace, NULL, NULL, '{}', interval '1 day')
    FROM workspace_members m WHERE m.workspace_id = p_workspace AND m.is_active AND m.role IN ('owner', 'admin');
  END IF;
END $$;
REVOKE EXECUTE ON FUNCTION app.count_attachment_bytes(uuid, bigint) FROM PUBLIC;
