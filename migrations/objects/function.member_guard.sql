CREATE OR REPLACE FUNCTION app.member_guard() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE delta integer := 0; members integer; allowed integer;
BEGIN
  IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR NEW.role <> 'owner' OR NOT NEW.is_active OR NEW.permissions <> '{}')
     AND EXISTS (SELECT FROM workspaces WHERE id = OLD.workspace_id AND owner_id = OLD.user_id) THEN
    RAISE EXCEPTION 'the owner cannot leave or be demoted; transfer ownership first' USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP <> 'DELETE' AND NEW.is_active THEN delta := delta + 1; END IF;
  IF TG_OP <> 'INSERT' AND OLD.is_active THEN delta := delta - 1; END IF;
  IF delta <> 0 THEN
    UPDATE workspace_usage SET active_members = active_members + delta
      WHERE workspace_id = coalesce(NEW.workspace_id, OLD.workspace_id) RETURNING active_members INTO members;
    SELECT member_limit INTO allowed FROM workspaces WHERE id = coalesce(NEW.workspace_id, OLD.workspace_id);
    IF delta > 0 AND members > allowed THEN
      RAISE EXCEPTION 'member limit % reached', allowed USING ERRCODE = 'check_violation', CONSTRAINT = 'member_limit';
    END IF;
  END IF;
  RETURN coalesce(NEW, OLD);
END $$;
REVOKE EXECUTE ON FUNCTION app.member_guard() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.member_guard() TO app_service, app_admin;
