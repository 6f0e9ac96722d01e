-- By the token, or (p_token_hash NULL) by the id where the user's address is proved to be the invited one.
-- done (also for who accepted it before and is a member), absent (unknown or not open any more), another (of another
-- address).
CREATE OR REPLACE FUNCTION app.accept_invitation(p_id uuid, p_token_hash bytea, OUT outcome text, OUT workspace uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE i invitations; me users; was_active boolean;
BEGIN
  outcome := 'absent';
  SELECT * INTO me FROM users WHERE id = app.user_id() AND is_active AND deleted_at IS NULL;
  IF NOT FOUND THEN RETURN; END IF;
  SELECT * INTO i FROM invitations v
    WHERE CASE WHEN p_token_hash IS NOT NULL THEN v.token_hash = p_token_hash
               ELSE v.id = p_id AND lower(v.email) = app.verified_email() END FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  SELECT m.is_active INTO was_active FROM workspace_members m
    WHERE m.workspace_id = i.workspace_id AND m.user_id = me.id FOR UPDATE;
  IF i.status = 'accepted' AND i.user_id = me.id AND was_active THEN
    outcome := 'done'; workspace := i.workspace_id; RETURN;
  END IF;
  IF i.status <> 'pending' OR i.expires_at <= now()
     OR NOT EXISTS (SELECT FROM workspaces WHERE id = i.workspace_id AND deleted_at IS NULL) THEN RETURN; END IF;
  IF lower(i.email) <> lower(me.email) THEN outcome := 'another'; RETURN; END IF;
  UPDATE invitations SET status = 'accepted', responded_at = now(), user_id = me.id WHERE id = i.id;
  -- Not ON CONFLICT: the trigger that counts members runs before a conflict is noticed.
  IF was_active IS NULL THEN
    INSERT INTO workspace_members (workspace_id, user_id, role, invited_by, invitation_accepted_at)
      VALUES (i.workspace_id, me.id, i.role, i.invited_by, now());
  ELSIF NOT was_active THEN
    UPDATE workspace_members SET is_active = true, role = i.role, permissions = '{}', invited_by = i.invited_by,
      invitation_accepted_at = now() WHERE workspace_id = i.workspace_id AND user_id = me.id;
  END IF;
  IF p_token_hash IS NOT NULL AND i.mailed AND NOT me.email_verified THEN
    UPDATE users SET email_verified = true WHERE id = me.id;
  END IF;
  outcome := 'done'; workspace := i.workspace_id;
END $$;
REVOKE EXECUTE ON FUNCTION app.accept_invitation(uuid, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.accept_invitation(uuid, bytea) TO app_readwrite, app_service, app_admin;
