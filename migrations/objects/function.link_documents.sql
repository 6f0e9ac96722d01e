-- The documents that a link without a single document opens: all, or only this one if it is among them. Ciphertext is for its
-- owner's devices.
CREATE OR REPLACE FUNCTION app.link_documents(p_share uuid, p_only uuid DEFAULT NULL) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE link record;
BEGIN
  SELECT s.workspace_id, s.tag_id, s.category_id INTO link FROM shares s
    JOIN workspaces w ON w.id = s.workspace_id AND w.deleted_at IS NULL
  WHERE s.id = p_share AND s.document_id IS NULL AND s.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now());
  IF NOT FOUND THEN RETURN '{}'; END IF;
  RETURN ARRAY(
    SELECT d.id FROM documents d
    WHERE d.workspace_id = link.workspace_id AND (p_only IS NULL OR d.id = p_only)
      AND d.deleted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now()) AND d.type <> 'password'
      AND (link.tag_id IS NULL OR EXISTS (
        SELECT FROM document_tags x WHERE x.document_id = d.id AND x.tag_id = link.tag_id))
      AND (link.category_id IS NULL OR d.category_id = ANY (app.category_tree(link.category_id))));
END $$;
REVOKE EXECUTE ON FUNCTION app.link_documents(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.link_documents(uuid, uuid) TO app_service, app_admin;
