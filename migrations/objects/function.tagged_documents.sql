-- Counted without asking the policies about every tagged document; fewer are in the trash than not, so these are taken
-- off one by one.
CREATE OR REPLACE FUNCTION app.tagged_documents(p_workspace uuid, p_tag uuid) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF 'can_read' <> ALL (app.workspace_permissions(p_workspace)) THEN RETURN 0; END IF;
  RETURN (SELECT count(*) FROM document_tags x WHERE x.workspace_id = p_workspace AND x.tag_id = p_tag)
    - (SELECT count(*) FROM documents d JOIN document_tags x ON x.document_id = d.id
       WHERE d.workspace_id = p_workspace AND d.deleted_at IS NOT NULL AND x.tag_id = p_tag);
END $$;
REVOKE EXECUTE ON FUNCTION app.tagged_documents(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.tagged_documents(uuid, uuid) TO app_readonly, app_readwrite, app_service, app_admin;
