-- Numbers of open threads by document, as JSON, of the documents whose discussion the caller may read.
CREATE OR REPLACE FUNCTION app.open_threads(p_documents uuid[]) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  RETURN (
    SELECT coalesce(jsonb_object_agg(n.document_id, n.threads), '{}') FROM (
      SELECT c.document_id, count(*) AS threads FROM comments c
      WHERE c.document_id = ANY (p_documents) AND c.parent_id IS NULL AND NOT c.resolved AND c.deleted_at IS NULL
        AND (c.workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[])
             OR c.document_id = ANY ((SELECT app.shared_documents('read'))::uuid[]))
      GROUP BY c.document_id) n);
END $$;
REVOKE EXECUTE ON FUNCTION app.open_threads(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.open_threads(uuid[]) TO app_readonly, app_readwrite, app_service, app_admin;
