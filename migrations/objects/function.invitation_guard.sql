-- People invite with rights that they have, send again what they might have sent, and revoke; nothing else.
CREATE OR REPLACE FUNCTION app.invitation_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM app.expire_invitations(NEW.workspace_id);
    IF (SELECT count(*) FROM invitations WHERE workspace_id = NEW.workspace_id AND status = 'pending') >= 100 THEN
      RAISE EXCEPTION 'a workspace may have 100 open invitations'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'invitation_limit';
    END IF;
  END IF;
  IF current_user <> 'app_readwrite' THEN RETURN NEW; END IF;
  IF TG_OP = 'INSERT' AND app.invitations_sent_today() >= 100 THEN
    RAISE EXCEPTION 'a person may send 100 invitations a day'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'invitation_rate';
  END IF;
  IF NEW.status NOT IN ('pending', 'revoked') OR NEW.expires_at > now() + interval '31 days'
     OR NEW.status = 'pending' AND NOT app.effective_permissions(NEW.role) <@ app.own_permissions(NEW.workspace_id) THEN
    RAISE EXCEPTION 'an invitation can give only what one may do oneself' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION app.invitation_guard() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.invitation_guard() TO app_service, app_admin;
