-- What the caller may do with a document, in one round trip: NULL, 'read', 'comment', 'write' or 'admin'.
CREATE OR REPLACE FUNCTION app.document_permission(p_document uuid) RETURNS share_permission
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  place uuid;
  open_to_all boolean;
  is_shared boolean;
  permission share_permission;
BEGIN
  -- Most documents are not shared with the caller. To ask what shares give costs half of all the rest.
  SELECT d.workspace_id, d.is_public, app.share_id() IS NOT NULL OR EXISTS (
      SELECT FROM shares s WHERE s.grantee_id = app.user_id() AND s.document_id = d.id AND s.revoked_at IS NULL)
    INTO place, open_to_all, is_shared FROM documents d
    WHERE d.id = p_document AND (d.deleted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now()));
  IF NOT FOUND THEN RETURN NULL; END IF;
  permission := app.permission_among(app.workspace_permissions(place))::share_permission;
  IF is_shared AND permission IS DISTINCT FROM 'admin' THEN
    -- Greatest ignores NULL.
    permission := greatest(permission, app.share_permission(p_document, app.user_id(), app.share_id()));
  END IF;
  IF permission IS NULL AND open_to_all AND app.workspace_is_there(place) THEN permission := 'read'; END IF;
  RETURN permission;
END $$;
REVOKE EXECUTE ON FUNCTION app.document_permission(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.document_permission(uuid) TO app_readonly, app_readwrite, app_service, app_admin;
