-- Teams: workspace permissions, invitations, ownership transfer, archive of workspaces.

-- What the transaction's user (or, in the playground, everybody) may do in one workspace: all permissions at once.
-- An archived workspace can be read, and managed so that it can be taken out of the archive again.
CREATE FUNCTION app.workspace_permissions(p_workspace uuid) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(DISTINCT allowed.permission), '{}') FROM (
    SELECT p.permission FROM workspace_members m
      CROSS JOIN (SELECT permission FROM role_permissions WHERE role = 'owner') p
    WHERE m.workspace_id = p_workspace AND m.user_id = app.user_id() AND m.is_active
      AND CASE m.permissions -> p.permission WHEN 'true' THEN true WHEN 'false' THEN false
          ELSE EXISTS (SELECT FROM role_permissions r WHERE r.role = m.role AND r.permission = p.permission) END
    UNION ALL
    SELECT r.permission FROM workspaces w JOIN role_permissions r ON r.role::text = app.setting('guest_role')
    WHERE w.id = p_workspace AND w.kind = 'playground' AND r.role IN ('viewer', 'commenter', 'editor')) allowed
  JOIN workspaces w ON w.id = p_workspace AND w.deleted_at IS NULL
  WHERE w.archived_at IS NULL OR allowed.permission IN ('can_read', 'can_manage_workspace') $$;
CREATE OR REPLACE FUNCTION app.workspace_ids(p_permission text DEFAULT 'can_read') RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(id), '{}') FROM (
    SELECT w.id FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id
    WHERE m.user_id = app.user_id() AND m.is_active AND w.deleted_at IS NULL
      AND (w.archived_at IS NULL OR p_permission IN ('can_read', 'can_manage_workspace'))
      AND CASE m.permissions -> p_permission WHEN 'true' THEN true WHEN 'false' THEN false
          ELSE EXISTS (SELECT FROM role_permissions r WHERE r.role = m.role AND r.permission = p_permission) END
    UNION
    SELECT w.id FROM workspaces w
    WHERE w.kind = 'playground' AND w.deleted_at IS NULL
      AND (w.archived_at IS NULL OR p_permission IN ('can_read', 'can_manage_workspace'))
      AND EXISTS (SELECT FROM role_permissions r
                  WHERE r.role::text = app.setting('guest_role') AND r.role IN ('viewer', 'commenter', 'editor')
                    AND r.permission = p_permission)) allowed $$;
-- A member's permissions in themselves: what an archive leaves of them is for the functions above to say.
CREATE FUNCTION app.effective_permissions(p_role workspace_role, p_overrides jsonb DEFAULT '{}') RETURNS text[]
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(p.permission), '{}') FROM role_permissions p
  WHERE p.role = 'owner' AND CASE p_overrides -> p.permission WHEN 'true' THEN true WHEN 'false' THEN false
    ELSE EXISTS (SELECT FROM role_permissions r WHERE r.role = p_role AND r.permission = p.permission) END $$;
CREATE FUNCTION app.own_permissions(p_workspace uuid) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce((SELECT app.effective_permissions(role, permissions) FROM workspace_members
                   WHERE workspace_id = p_workspace AND user_id = app.user_id() AND is_active), '{}') $$;

-- Nobody raises anybody, themselves included, above their own rights, or touches somebody who stands above them.
CREATE FUNCTION app.member_rights() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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
CREATE TRIGGER member_rights BEFORE INSERT OR DELETE OR UPDATE OF role, permissions, is_active ON workspace_members
  FOR EACH ROW EXECUTE FUNCTION app.member_rights();

ALTER TABLE workspaces ADD row_version bigint NOT NULL DEFAULT 1;
REVOKE UPDATE (kind) ON workspaces FROM app_readwrite;
-- Deleting is the owner's; when something was deleted or archived is not for people to invent.
CREATE FUNCTION app.workspaces_before() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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
CREATE TRIGGER workspaces_before BEFORE UPDATE ON workspaces
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION app.workspaces_before();

CREATE FUNCTION app.note_visit(p_workspace uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE workspace_members SET last_accessed_at = now()
  WHERE workspace_id = p_workspace AND user_id = app.user_id() AND is_active
    AND (last_accessed_at IS NULL OR last_accessed_at < now() - interval '10 minutes') $$;

-- done, not_owner, not_team, not_member (of an active account), same
CREATE FUNCTION app.transfer_workspace(p_workspace uuid, p_to uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE w workspaces;
BEGIN
  SELECT * INTO w FROM workspaces WHERE id = p_workspace AND deleted_at IS NULL FOR UPDATE;
  IF w.owner_id IS DISTINCT FROM app.user_id() THEN RETURN 'not_owner'; END IF;
  IF w.kind <> 'team' THEN RETURN 'not_team'; END IF;
  IF p_to = w.owner_id THEN RETURN 'same'; END IF;
  PERFORM FROM workspace_members m JOIN users u ON u.id = m.user_id
    WHERE m.workspace_id = p_workspace AND m.user_id = p_to AND m.is_active AND u.is_active AND u.deleted_at IS NULL
    FOR UPDATE OF m;
  IF NOT FOUND THEN RETURN 'not_member'; END IF;
  UPDATE workspaces SET owner_id = p_to WHERE id = p_workspace;
  UPDATE workspace_members SET role = 'owner', permissions = '{}' WHERE workspace_id = p_workspace AND user_id = p_to;
  UPDATE workspace_members SET role = 'admin' WHERE workspace_id = p_workspace AND user_id = w.owner_id;
  RETURN 'done';
END $$;

-- Limits are the server administrators'. False: the transaction's user is none.
CREATE FUNCTION app.set_limits(p_workspace uuid, p_member_limit integer, p_storage_limit bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM users WHERE id = app.user_id() AND role = 'admin' AND is_active AND deleted_at IS NULL) THEN
    RETURN false;
  END IF;
  UPDATE workspaces SET member_limit = coalesce(p_member_limit, member_limit),
      storage_limit_bytes = coalesce(p_storage_limit, storage_limit_bytes)
    WHERE id = p_workspace;
  RETURN true;
END $$;

-- ---- invitations

CREATE TYPE invitation_status AS ENUM ('pending', 'accepted', 'declined', 'expired', 'revoked');
CREATE TABLE invitations (  -- of the token only its SHA-256 is stored
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  invited_by uuid REFERENCES users ON DELETE SET NULL,
  email text NOT NULL CHECK (length(email) <= 320 AND email ~ '^[^@\s]+@[^@\s.]+(\.[^@\s.]+)*$'),
  user_id uuid REFERENCES users ON DELETE SET NULL,  -- who answered it
  role workspace_role NOT NULL DEFAULT 'viewer' CHECK (role <> 'owner'),
  token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
  mailed boolean NOT NULL DEFAULT false,  -- the token went to the address only: who has it reads that mail
  status invitation_status NOT NULL DEFAULT 'pending', message text CHECK (length(message) <= 2000),
  created_at timestamptz NOT NULL DEFAULT now(), sent_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL DEFAULT now() + interval '7 days', responded_at timestamptz,
  CHECK ((status = 'pending') = (responded_at IS NULL)));
CREATE UNIQUE INDEX invitations_one_pending ON invitations (workspace_id, lower(email)) WHERE status = 'pending';
CREATE INDEX invitations_workspace ON invitations (workspace_id, created_at DESC, id);
CREATE INDEX invitations_email ON invitations (lower(email)) WHERE status = 'pending';
CREATE INDEX invitations_expires ON invitations (expires_at) WHERE status = 'pending';
CREATE INDEX invitations_responded ON invitations (responded_at) WHERE status <> 'pending';
CREATE INDEX invitations_inviter ON invitations (invited_by, sent_at);
CREATE INDEX invitations_user ON invitations (user_id);

CREATE FUNCTION app.expire_invitations(p_workspace uuid DEFAULT NULL) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH expired AS (UPDATE invitations SET status = 'expired', responded_at = now()
    WHERE status = 'pending' AND expires_at <= now() AND (p_workspace IS NULL OR workspace_id = p_workspace) RETURNING 1)
  SELECT count(*)::integer FROM expired $$;
CREATE FUNCTION app.purge_invitations(p_days integer DEFAULT 90, p_limit integer DEFAULT 1000) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH old AS (DELETE FROM invitations WHERE id IN (
    SELECT id FROM invitations WHERE status <> 'pending' AND responded_at < now() - make_interval(days => p_days)
    LIMIT p_limit FOR UPDATE SKIP LOCKED) RETURNING 1)
  SELECT count(*)::integer FROM old $$;

-- Also in workspaces that are deleted by now: they would be a way around.
CREATE FUNCTION app.invitations_sent_today() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT count(*) FROM invitations WHERE invited_by = app.user_id() AND sent_at > now() - interval '1 day' $$;
-- People invite with rights that they have, send again what they might have sent, and revoke; nothing else.
CREATE FUNCTION app.invitation_guard() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
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
CREATE TRIGGER invitation_guard BEFORE INSERT OR UPDATE ON invitations
  FOR EACH ROW EXECUTE FUNCTION app.invitation_guard();

-- Who is removed or suspended cannot come back by an invitation from before, of theirs or to them.
CREATE FUNCTION app.member_gone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE invitations SET status = 'revoked', responded_at = now()
  WHERE workspace_id = OLD.workspace_id AND status = 'pending'
    AND (invited_by = OLD.user_id OR lower(email) = (SELECT lower(email) FROM users WHERE id = OLD.user_id));
  RETURN NULL;
END $$;
CREATE TRIGGER member_removed AFTER DELETE ON workspace_members FOR EACH ROW EXECUTE FUNCTION app.member_gone();
CREATE TRIGGER member_suspended AFTER UPDATE OF is_active ON workspace_members
  FOR EACH ROW WHEN (OLD.is_active AND NOT NEW.is_active) EXECUTE FUNCTION app.member_gone();

-- The address that is proved to be the transaction's user's, in lower case: without proof, anybody could register
-- with it to get what was meant for another.
CREATE FUNCTION app.verified_email() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT lower(email) FROM users WHERE id = app.user_id() AND email_verified AND is_active AND deleted_at IS NULL $$;
CREATE FUNCTION app.own_invitations() RETURNS TABLE (id uuid, workspace_id uuid, workspace_name text, icon text,
  color text, role workspace_role, message text, inviter_id uuid, inviter_name text, created_at timestamptz,
  expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT i.id, i.workspace_id, w.name, w.icon, w.color, i.role, i.message, u.id,
         coalesce(u.display_name, u.username, u.email), i.created_at, i.expires_at
  FROM invitations i JOIN workspaces w ON w.id = i.workspace_id AND w.deleted_at IS NULL
  LEFT JOIN users u ON u.id = i.invited_by
  WHERE i.status = 'pending' AND i.expires_at > now() AND lower(i.email) = app.verified_email() $$;

-- By the token, or (p_token_hash NULL) by the id where the user's address is proved to be the invited one.
-- done (also for who accepted it before and is a member), absent (unknown or not open any more), another (of another
-- address).
CREATE FUNCTION app.accept_invitation(p_id uuid, p_token_hash bytea, OUT outcome text, OUT workspace uuid)
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
CREATE FUNCTION app.decline_invitation(p_id uuid, p_token_hash bytea) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH declined AS (UPDATE invitations SET status = 'declined', responded_at = now(), user_id = app.user_id()
    WHERE status = 'pending' AND expires_at > now()
      AND CASE WHEN p_token_hash IS NOT NULL THEN token_hash = p_token_hash
               ELSE id = p_id AND lower(email) = app.verified_email() END RETURNING 1)
  SELECT EXISTS (SELECT FROM declined) $$;

ALTER TABLE invitations ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON invitations TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY invitation_read ON invitations FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_invite_members'))::uuid[])
         OR lower(email) = (SELECT app.verified_email()) AND status = 'pending' AND expires_at > now());
CREATE POLICY invitation_make ON invitations FOR INSERT TO app_readwrite
  WITH CHECK (workspace_id = ANY ((SELECT app.workspace_ids('can_invite_members'))::uuid[])
              AND invited_by = (SELECT app.user_id()));
CREATE POLICY invitation_change ON invitations FOR UPDATE TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_invite_members'))::uuid[]) AND status = 'pending')
  WITH CHECK (workspace_id = ANY ((SELECT app.workspace_ids('can_invite_members'))::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON invitations TO app_service;
GRANT SELECT (id, workspace_id, invited_by, email, user_id, role, mailed, status, message, created_at, sent_at,
  expires_at, responded_at) ON invitations TO app_readonly, app_readwrite, app_admin;
GRANT DELETE, UPDATE (status, responded_at) ON invitations TO app_admin;
GRANT INSERT (id, workspace_id, invited_by, email, role, token_hash, mailed, message),
  UPDATE (status, responded_at, token_hash, mailed, sent_at, expires_at) ON invitations TO app_readwrite;

-- Workspaces that were deleted so many days ago, with all that is in them. Returns how many.
CREATE FUNCTION app.purge_workspaces(p_days integer DEFAULT 30, p_limit integer DEFAULT 20) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH gone AS (DELETE FROM workspaces WHERE id IN (
    SELECT id FROM workspaces WHERE deleted_at < now() - make_interval(days => p_days) AND kind <> 'playground'
    ORDER BY deleted_at LIMIT p_limit FOR UPDATE SKIP LOCKED) RETURNING 1)
  SELECT count(*)::integer FROM gone $$;
CREATE INDEX workspaces_deleted_at ON workspaces (deleted_at) WHERE deleted_at IS NOT NULL;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA app TO app_service, app_admin;
GRANT EXECUTE ON FUNCTION app.workspace_permissions(uuid), app.effective_permissions(workspace_role, jsonb),
  app.own_permissions(uuid), app.verified_email(), app.own_invitations(), app.invitations_sent_today() TO app_readonly, app_readwrite;
GRANT EXECUTE ON FUNCTION app.note_visit(uuid), app.transfer_workspace(uuid, uuid),
  app.set_limits(uuid, integer, bigint), app.expire_invitations(uuid), app.accept_invitation(uuid, bytea),
  app.decline_invitation(uuid, bytea) TO app_readwrite;
