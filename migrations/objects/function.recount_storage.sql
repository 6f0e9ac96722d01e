-- Counts workspaces anew that were not counted within a day, or have changes left over; -> how many. Exact beside writers:
-- the sum and the changes that go are of one statement, so what is committed later is added later.
CREATE OR REPLACE FUNCTION app.recount_storage(p_limit integer DEFAULT 10) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE place uuid; counted integer := 0;
BEGIN
  FOR place IN
    SELECT workspace_id FROM workspace_usage
    WHERE counted_at IS NULL OR counted_at < now() - interval '1 day'
      OR workspace_id IN (SELECT c.workspace_id FROM storage_changes c)
    ORDER BY workspace_id LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    WITH gone AS (DELETE FROM storage_changes WHERE workspace_id = place)
    UPDATE workspace_usage u SET storage_used_bytes = s.bytes + a.bytes, document_count = s.documents,
      history_bytes = s.history, attachment_bytes = a.bytes, counted_at = now()
    FROM (SELECT count(*) AS documents, coalesce(sum(history_bytes), 0)::bigint AS history,
            coalesce(sum(coalesce(octet_length(yjs_state), 0)::bigint + content_bytes
              + coalesce(octet_length(content_encrypted), 0)), 0)::bigint AS bytes
          FROM documents WHERE workspace_id = place) s,
      (SELECT coalesce(sum(size_bytes), 0)::bigint AS bytes FROM attachments
        WHERE workspace_id = place AND deleted_at IS NULL) a
    WHERE u.workspace_id = place;
    counted := counted + 1;
  END LOOP;
  DELETE FROM storage_changes c WHERE NOT EXISTS (SELECT FROM workspaces w WHERE w.id = c.workspace_id);
  RETURN counted;
END $$;
REVOKE EXECUTE ON FUNCTION app.recount_storage(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.recount_storage(integer) TO app_service, app_admin;
