CREATE OR REPLACE FUNCTION app.note_visit(p_workspace uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE workspace_members SET last_accessed_at = now()
  WHERE workspace_id = p_workspace AND user_id = app.user_id() AND is_active
    AND (last_accessed_at IS NULL OR last_accessed_at < now() - interval '10 minutes') $$;
REVOKE EXECUTE ON FUNCTION app.note_visit(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.note_visit(uuid) TO app_readwrite, app_service, app_admin;
