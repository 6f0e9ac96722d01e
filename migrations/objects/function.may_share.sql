-- Whether the caller decides who may open a document: editors of its workspace, and people to whom it is shared as 'admin'.
CREATE OR REPLACE FUNCTION app.may_share(p_document uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce((
    SELECT ARRAY['can_edit_documents', 'can_delete_documents'] && app.workspace_permissions(d.workspace_id)
      OR d.id = ANY (app.shared_documents('admin'))
    FROM documents d WHERE d.id = p_document AND d.deleted_at IS NULL), false) $$;
REVOKE EXECUTE ON FUNCTION app.may_share(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.may_share(uuid) TO app_readwrite, app_service, app_admin;
