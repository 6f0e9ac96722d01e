-- PL/pgSQL keeps the plans for the session.
CREATE OR REPLACE FUNCTION app.workspace_permissions(p_workspace uuid) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  guest text := app.setting('guest_role');
  place record;
  mine record;
  allowed text[] := '{}';
BEGIN
  SELECT w.kind, w.archived_at IS NOT NULL AS archived INTO place FROM workspaces w
    WHERE w.id = p_workspace AND w.deleted_at IS NULL;
  IF NOT FOUND THEN RETURN allowed; END IF;
  SELECT m.role, m.permissions INTO mine FROM workspace_members m
    WHERE m.workspace_id = p_workspace AND m.user_id = app.user_id() AND m.is_active;
  IF FOUND THEN
    IF mine.permissions = '{}' THEN
      allowed := ARRAY(SELECT r.permission FROM role_permissions r WHERE r.role = mine.role);
    ELSE
      allowed := app.effective_permissions(mine.role, mine.permissions);
    END IF;
  END IF;
  IF place.kind = 'playground' AND guest IN ('viewer', 'commenter', 'editor') THEN
    allowed := allowed || ARRAY(SELECT r.permission FROM role_permissions r
      WHERE r.role = guest::workspace_role AND r.permission <> ALL (allowed));
  END IF;
  IF place.archived THEN
    allowed := ARRAY(SELECT x FROM unnest(allowed) x WHERE x IN ('can_read', 'can_manage_workspace'));
  END IF;
  RETURN allowed;
END $$;
REVOKE EXECUTE ON FUNCTION app.workspace_permissions(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.workspace_permissions(uuid) TO app_readonly, app_readwrite, app_service, app_admin;
