-- Deleting is the owner's; when something was deleted or archived is not for people to invent.
CREATE OR REPLACE FUNCTION app.workspaces_before() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  NEW.row_version := OLD.row_version + 1;
  IF current_user <> 'app_readwrite' THEN RETURN NEW; END IF;
  IF NEW.deleted_at IS DISTINCT FROM OLD.deleted_at THEN
    IF OLD.owner_id <> app.user_id() THEN
      RAISE EXCEPTION 'only its owner can delete a workspace' USING ERRCODE = 'insufficient_privilege';
    ELSIF OLD.kind <> 'team' THEN
      RAISE EXCEPTION 'a personal workspace goes with its account' USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.deleted_at := CASE WHEN NEW.deleted_at IS NOT NULL THEN now() END;
  END IF;
  IF NEW.archived_at IS DISTINCT FROM OLD.archived_at THEN
    NEW.archived_at := CASE WHEN NEW.archived_at IS NOT NULL THEN now() END;
  END IF;
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION app.workspaces_before() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.workspaces_before() TO app_service, app_admin;
