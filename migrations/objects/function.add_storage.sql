CREATE OR REPLACE FUNCTION app.add_storage(p_workspace uuid, p_bytes bigint, p_documents integer, p_history bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM FROM workspace_usage WHERE workspace_id = p_workspace FOR NO KEY UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    INSERT INTO storage_changes (workspace_id, bytes, documents, history_bytes)
      VALUES (p_workspace, p_bytes, p_documents, p_history);
    RETURN;
  END IF;
  WITH earlier AS (DELETE FROM storage_changes WHERE workspace_id = p_workspace RETURNING bytes, documents, history_bytes),
    total AS (SELECT p_bytes + coalesce(sum(bytes), 0) AS bytes, p_documents + coalesce(sum(documents), 0) AS documents,
                p_history + coalesce(sum(history_bytes), 0) AS history
              FROM earlier)
  UPDATE workspace_usage u SET storage_used_bytes = greatest(0, u.storage_used_bytes + t.bytes),
    document_count = greatest(0, u.document_count + t.documents),
    history_bytes = greatest(0, u.history_bytes + t.history)
  FROM total t WHERE u.workspace_id = p_workspace;
END $$;
REVOKE EXECUTE ON FUNCTION app.add_storage(uuid, bigint, integer, bigint) FROM PUBLIC;
