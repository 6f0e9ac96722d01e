-- Whether the transaction's user may take the document out of its workspace, delete it or bring it back.
CREATE OR REPLACE FUNCTION app.may_remove(p_workspace uuid, p_created_by uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT p_workspace = ANY (app.workspace_ids('can_delete_documents'))
    OR (p_created_by = app.user_id() AND p_workspace = ANY (app.workspace_ids('can_edit_documents'))) IS TRUE $$;
REVOKE EXECUTE ON FUNCTION app.may_remove(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.may_remove(uuid, uuid) TO app_readwrite, app_service, app_admin;
