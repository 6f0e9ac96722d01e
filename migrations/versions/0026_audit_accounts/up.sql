-- Registration without a password, parents of tokens, epochs of connect tokens, places of sign-in, a wider audit.

-- ---- registration: the password and the name are given behind the mailed link

DO $$
DECLARE old text;
BEGIN
  SELECT conname INTO STRICT old FROM pg_constraint
    WHERE conrelid = 'sign_in_links'::regclass AND contype = 'c'
      AND pg_get_constraintdef(oid) LIKE '%password_hash IS NOT NULL%';
  EXECUTE format('ALTER TABLE sign_in_links DROP CONSTRAINT %I', old);
END $$;
-- The previous version writes password_hash; the present one neither writes nor reads it.
ALTER TABLE sign_in_links ADD CONSTRAINT sign_in_links_subject CHECK (
  CASE purpose WHEN 'verify' THEN user_id IS NULL AND email IS NOT NULL ELSE user_id IS NOT NULL END);

-- ---- how a session began

ALTER TABLE sign_in_links
  ADD COLUMN made_for text CHECK (made_for IN ('administrator', 'operator', 'first_start')),
  ADD COLUMN made_by uuid;  -- the administrator; no reference, as the audit outlives accounts
ALTER TABLE sessions
  ADD COLUMN signed_in_by text CHECK (signed_in_by IN ('password', 'oidc', 'reset', 'registration',
    'administrator_link', 'operator_link', 'first_start_link')),
  ADD COLUMN link_made_by uuid;
GRANT SELECT (signed_in_by, link_made_by) ON sessions TO app_admin, app_readonly, app_readwrite;

-- ---- tokens are revoked with the token that made them

ALTER TABLE access_tokens
  ADD COLUMN parent_token_id uuid REFERENCES access_tokens ON DELETE CASCADE,
  ADD COLUMN parent_session_id uuid;  -- no reference: signing out keeps the token
GRANT SELECT (parent_token_id, parent_session_id) ON access_tokens TO app_readonly, app_readwrite;

-- In a trigger, so that every way to revoke is covered. It sees a token that was being made when its parent was revoked:
-- its query begins after the wait for the parent's row. All descendants at once: a chain of tokens costs no recursion.
CREATE FUNCTION app.revoke_descendants() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  WITH RECURSIVE descendants AS (
    SELECT id FROM access_tokens WHERE parent_token_id = NEW.id
    UNION
    SELECT t.id FROM access_tokens t JOIN descendants d ON t.parent_token_id = d.id)
  UPDATE access_tokens t SET revoked_at = NEW.revoked_at FROM descendants d
    WHERE t.id = d.id AND t.revoked_at IS NULL;
  RETURN NULL;
END $$;
CREATE TRIGGER revoke_descendants AFTER UPDATE OF revoked_at ON access_tokens FOR EACH ROW
  WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL) EXECUTE FUNCTION app.revoke_descendants();

-- Which features a user has decides whether the user's tokens work.
CREATE TRIGGER access_features AFTER UPDATE OF features ON users FOR EACH ROW
  WHEN (OLD.features -> 'api_tokens' IS DISTINCT FROM NEW.features -> 'api_tokens')
  EXECUTE FUNCTION app.access_changed('user', 'id');

-- ---- connect tokens that no row stands behind (made by guests, by a provider's token, or by the previous version)

CREATE TABLE connect_epochs (  -- one row; such a token names it, and is worthless once it is another
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), created_at timestamptz NOT NULL DEFAULT now());
INSERT INTO connect_epochs (id) VALUES ('00000000-0000-0000-0000-000000000000');
CREATE TRIGGER access_del AFTER DELETE ON connect_epochs
  FOR EACH ROW EXECUTE FUNCTION app.access_changed('token', 'id');

-- ---- from where people signed in before: the SHA-256 of account and network

CREATE TABLE known_places (
  key bytea PRIMARY KEY CHECK (octet_length(key) = 32), user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  last_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX known_places_user ON known_places (user_id);
CREATE INDEX known_places_last ON known_places (last_at);

ALTER TABLE connect_epochs ENABLE ROW LEVEL SECURITY;
ALTER TABLE known_places ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON connect_epochs TO app_service USING (true) WITH CHECK (true);
CREATE POLICY internal ON known_places TO app_service USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON connect_epochs, known_places TO app_service;

-- ---- audit

-- As before, and: what acts without an account has a name (the setting actor_name), such as the operator's.
CREATE OR REPLACE FUNCTION app.log_activity(p_action text, p_entity_type text, p_entity_id text,
  p_workspace uuid DEFAULT NULL, p_changed text[] DEFAULT NULL, p_data jsonb DEFAULT '{}', p_actor uuid DEFAULT NULL,
  p_ip text DEFAULT NULL, p_user_agent text DEFAULT NULL) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  INSERT INTO activity_log (actor_id, actor_name, workspace_id, action, entity_type, entity_id, changed_fields, data,
                            ip_address, user_agent)
  SELECT a.id, coalesce((SELECT coalesce(display_name, username, email) FROM users u WHERE u.id = a.id),
                        app.setting('actor_name')), p_workspace, p_action,
         p_entity_type, p_entity_id, p_changed, p_data, coalesce(p_ip, app.setting('client_ip')),
         coalesce(p_user_agent, app.setting('user_agent'))
  FROM (VALUES (coalesce(p_actor, app.user_id()))) a (id) $$;

CREATE OR REPLACE FUNCTION app.audit_session() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM app.log_activity('sign_in', 'session', NEW.id::text, p_actor => NEW.user_id, p_ip => host(NEW.ip_address),
      p_user_agent => NEW.user_agent,
      p_data => jsonb_strip_nulls(jsonb_build_object('by', NEW.signed_in_by, 'link_made_by', NEW.link_made_by)));
  ELSIF OLD.expires_at > now() AND EXISTS (SELECT FROM users WHERE id = OLD.user_id) THEN
    PERFORM app.log_activity('sign_out', 'session', OLD.id::text,
      p_actor => CASE WHEN app.setting('actor_name') IS NULL THEN coalesce(app.user_id(), OLD.user_id) END,
      p_data => jsonb_build_object('user_id', OLD.user_id));
  END IF;
  RETURN NULL;
END $$;

-- Whose token it is: an administrator or an operator may have made or revoked it.
DROP TRIGGER audit ON access_tokens;
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF name, scopes, expires_at, revoked_at ON access_tokens
  FOR EACH ROW EXECUTE FUNCTION app.audit('access_token', 'id', 'name', 'scopes', 'user_id', 'parent_token_id',
                                          'parent_session_id');

-- What an account that is erased leaves in the log: that something was done, not who it was.
CREATE OR REPLACE FUNCTION app.erase_activity(p_user uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE activity_log SET actor_id = NULL, actor_name = NULL, ip_address = NULL, user_agent = NULL,
      data = CASE WHEN entity_type IN ('access_token', 'session') THEN '{}' ELSE data END
    WHERE actor_id = p_user;
  UPDATE activity_log SET data = '{}' WHERE entity_type = 'user' AND entity_id = p_user::text;
  UPDATE activity_log SET ip_address = NULL, user_agent = NULL
    WHERE entity_type = 'user' AND entity_id = p_user::text AND actor_id IS NULL AND action = 'sign_in_failed';
  UPDATE activity_log a SET entity_id = '', ip_address = NULL, user_agent = NULL FROM users u
    WHERE u.id = p_user AND a.entity_type = 'address' AND a.entity_id = lower(u.email);
  UPDATE activity_log SET data = '{}' WHERE entity_type IN ('access_token', 'session')
    AND p_user::text IN (data #>> '{new,user_id}', data #>> '{old,user_id}', data ->> 'user_id');
  UPDATE activity_log SET data = '{}' WHERE entity_type = 'access_token'
    AND entity_id IN (SELECT id::text FROM access_tokens WHERE user_id = p_user);
  -- Named after the person, as are perhaps its documents.
  UPDATE activity_log a SET data = '{}' FROM workspaces w
    WHERE w.owner_id = p_user AND w.kind = 'personal' AND a.workspace_id = w.id;
  UPDATE activity_log a SET data = '{}' FROM invitations i JOIN users u ON lower(u.email) = lower(i.email)
    WHERE u.id = p_user AND a.entity_type = 'invitation' AND a.entity_id = i.id::text $$;

CREATE FUNCTION app.is_server_administrator() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM users WHERE id = app.user_id() AND role = 'admin' AND is_active AND deleted_at IS NULL) $$;
CREATE POLICY administrators_read ON activity_log FOR SELECT TO app_readwrite, app_readonly
  USING ((SELECT app.is_server_administrator()));
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.revoke_descendants() TO app_service, app_admin;
GRANT EXECUTE ON FUNCTION app.is_server_administrator() TO app_service, app_admin, app_readonly, app_readwrite;
