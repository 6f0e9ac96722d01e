-- The documents that are shared with the caller, with this permission or more. In the trash they are there for 'admin' only.
CREATE OR REPLACE FUNCTION app.shared_documents(p_least share_permission DEFAULT 'read') RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE me uuid := app.user_id(); link uuid := app.share_id();
BEGIN
  IF me IS NULL AND link IS NULL THEN RETURN '{}'; END IF;
  RETURN CASE WHEN link IS NOT NULL AND p_least = 'read' THEN app.link_documents(link) ELSE '{}' END || ARRAY(
    SELECT DISTINCT s.document_id FROM shares s JOIN documents d ON d.id = s.document_id
      JOIN workspaces w ON w.id = d.workspace_id
    WHERE (s.grantee_id = me OR s.id = link) AND s.permission >= p_least
      AND s.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now())
      AND w.deleted_at IS NULL AND (w.archived_at IS NULL OR p_least = 'read')
      AND (d.deleted_at IS NULL OR s.permission = 'admin'));
END $$;
REVOKE EXECUTE ON FUNCTION app.shared_documents(share_permission) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.shared_documents(share_permission) TO app_readonly, app_readwrite, app_service, app_admin;
