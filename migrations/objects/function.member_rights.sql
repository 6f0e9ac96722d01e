-- Nobody raises anybody, themselves included, above their own rights, or touches somebody who stands above them.
CREATE OR REPLACE FUNCTION app.member_rights() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE mine text[];
BEGIN
  IF current_user <> 'app_readwrite' OR (TG_OP = 'DELETE' AND OLD.user_id = app.user_id()) THEN
    RETURN coalesce(NEW, OLD);
  END IF;
  mine := app.own_permissions(coalesce(NEW.workspace_id, OLD.workspace_id));
  IF (TG_OP <> 'INSERT' AND NOT app.effective_permissions(OLD.role, OLD.permissions) <@ mine)
     OR (TG_OP <> 'DELETE' AND NOT app.effective_permissions(NEW.role, NEW.permissions) <@ mine) THEN
    RAISE EXCEPTION 'only rights that one has oneself can be given or taken' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN coalesce(NEW, OLD);
END $$;
REVOKE EXECUTE ON FUNCTION app.member_rights() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.member_rights() TO app_service, app_admin;
