-- What shares let a person, or whoever came by a link, do with a document; NULL: nothing. Whether the document is there is
-- not looked at.
CREATE OR REPLACE FUNCTION app.share_permission(p_document uuid, p_user uuid, p_share uuid) RETURNS share_permission
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF p_user IS NULL AND p_share IS NULL THEN RETURN NULL; END IF;
  RETURN greatest(
    CASE WHEN p_share IS NOT NULL AND p_document = ANY (app.link_documents(p_share, p_document))
         THEN 'read'::share_permission END,
    (SELECT CASE WHEN bool_or(w.archived_at IS NULL) THEN max(s.permission) ELSE min('read'::share_permission) END
    FROM shares s JOIN workspaces w ON w.id = s.workspace_id AND w.deleted_at IS NULL
    WHERE s.document_id = p_document AND (s.grantee_id = p_user OR s.id = p_share)
      AND s.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now())));
END $$;
REVOKE EXECUTE ON FUNCTION app.share_permission(uuid, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.share_permission(uuid, uuid, uuid) TO app_service, app_admin;
