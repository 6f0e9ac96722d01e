-- The caller asks for a document. Whether it exists is not told. The people who may share it and are responsible are notified.
CREATE OR REPLACE FUNCTION app.request_access(p_document uuid, p_permission share_permission, p_message text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE d record; me uuid := app.user_id(); entry uuid; person uuid;
BEGIN
  SELECT x.id, x.workspace_id, x.created_by INTO d FROM documents x JOIN workspaces w ON w.id = x.workspace_id
    WHERE x.id = p_document AND x.deleted_at IS NULL AND (x.expires_at IS NULL OR x.expires_at > now())
      AND w.deleted_at IS NULL AND w.kind <> 'playground';
  IF NOT FOUND OR app.document_permission(p_document) >= p_permission THEN RETURN; END IF;
  INSERT INTO access_requests (document_id, workspace_id, user_id, permission, message)
    VALUES (d.id, d.workspace_id, me, p_permission, p_message)
    ON CONFLICT (document_id, user_id) WHERE decided_at IS NULL DO NOTHING RETURNING id INTO entry;
  IF entry IS NULL THEN RETURN; END IF;
  PERFORM app.record_change(d.workspace_id, 'access_request', entry, d.id, 'create');
  FOR person IN
    SELECT DISTINCT x.user_id FROM (
      SELECT m.user_id FROM workspace_members m
        WHERE m.workspace_id = d.workspace_id AND m.is_active
          AND (m.role IN ('owner', 'admin') OR m.user_id = d.created_by)
          AND 'can_edit_documents' = ANY (app.effective_permissions(m.role, m.permissions))
      UNION SELECT s.grantee_id FROM shares s
        WHERE s.document_id = d.id AND s.permission = 'admin' AND s.revoked_at IS NULL AND s.grantee_id IS NOT NULL
          AND (s.expires_at IS NULL OR s.expires_at > now())) x
    WHERE x.user_id <> me ORDER BY x.user_id
  LOOP
    PERFORM app.notify(person, 'access_request', d.workspace_id, d.id, NULL, ARRAY[me],
                       p_data => jsonb_build_object('permission', p_permission));
  END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION app.request_access(uuid, share_permission, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.request_access(uuid, share_permission, text) TO app_readwrite, app_service, app_admin;
