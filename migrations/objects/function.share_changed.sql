-- Feed entries: the share, for the members of the workspace; the document, for the person who gets or loses it. A new grantee
-- is told.
CREATE OR REPLACE FUNCTION app.share_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  s shares := coalesce(NEW, OLD);
  was boolean := false; is_now boolean := false; had uuid; has uuid;
BEGIN
  IF NOT EXISTS (SELECT FROM workspaces WHERE id = s.workspace_id)
     OR (s.document_id IS NOT NULL AND NOT EXISTS (SELECT FROM documents WHERE id = s.document_id)) THEN RETURN NULL; END IF;
  IF TG_OP <> 'INSERT' THEN
    was := OLD.revoked_at IS NULL AND NOT OLD.expired;
    IF was THEN had := OLD.grantee_id; END IF;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    is_now := NEW.revoked_at IS NULL AND NOT NEW.expired;
    IF is_now THEN has := NEW.grantee_id; END IF;
  END IF;
  IF was OR is_now THEN
    PERFORM app.record_change(s.workspace_id, 'share', s.id, s.document_id,
      CASE WHEN NOT was THEN 'create' WHEN NOT is_now THEN 'delete' ELSE 'update' END::change_operation,
      CASE WHEN was AND is_now THEN ARRAY['permission'] END);
  END IF;
  IF had IS NOT NULL AND has IS NULL AND EXISTS (SELECT FROM users WHERE id = had) THEN
    PERFORM app.record_change(s.workspace_id, 'document', s.document_id, s.document_id, 'delete', ARRAY['access'],
                              p_target => had);
  ELSIF has IS NOT NULL THEN
    PERFORM app.record_change(s.workspace_id, 'document', s.document_id, s.document_id,
      CASE WHEN had IS NULL THEN 'create' ELSE 'update' END::change_operation, ARRAY['access'], p_target => has);
    IF had IS NULL AND has IS DISTINCT FROM NEW.created_by THEN
      PERFORM app.notify(has, 'share', s.workspace_id, s.document_id, NULL, array_remove(ARRAY[NEW.created_by], NULL),
                         p_data => jsonb_build_object('permission', NEW.permission));
    END IF;
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.share_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.share_changed() TO app_service, app_admin;
