DROP POLICY administrators_read ON activity_log;
DROP FUNCTION app.is_server_administrator();
CREATE OR REPLACE FUNCTION app.erase_activity(p_user uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE activity_log SET actor_id = NULL, actor_name = NULL, ip_address = NULL, user_agent = NULL
    WHERE actor_id = p_user;
  UPDATE activity_log SET data = '{}' WHERE entity_type = 'user' AND entity_id = p_user::text;
  UPDATE activity_log a SET data = '{}' FROM invitations i JOIN users u ON lower(u.email) = lower(i.email)
    WHERE u.id = p_user AND a.entity_type = 'invitation' AND a.entity_id = i.id::text $$;
DROP TRIGGER audit ON access_tokens;
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF name, scopes, expires_at, revoked_at ON access_tokens
  FOR EACH ROW EXECUTE FUNCTION app.audit('access_token', 'id', 'name', 'scopes');
CREATE OR REPLACE FUNCTION app.audit_session() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM app.log_activity('sign_in', 'session', NEW.id::text, p_actor => NEW.user_id, p_ip => host(NEW.ip_address),
                             p_user_agent => NEW.user_agent);
  ELSIF OLD.expires_at > now() AND EXISTS (SELECT FROM users WHERE id = OLD.user_id) THEN
    PERFORM app.log_activity('sign_out', 'session', OLD.id::text,
                             p_actor => coalesce(app.user_id(), OLD.user_id));
  END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION app.log_activity(p_action text, p_entity_type text, p_entity_id text,
  p_workspace uuid DEFAULT NULL, p_changed text[] DEFAULT NULL, p_data jsonb DEFAULT '{}', p_actor uuid DEFAULT NULL,
  p_ip text DEFAULT NULL, p_user_agent text DEFAULT NULL) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  INSERT INTO activity_log (actor_id, actor_name, workspace_id, action, entity_type, entity_id, changed_fields, data,
                            ip_address, user_agent)
  SELECT a.id, (SELECT coalesce(display_name, username, email) FROM users u WHERE u.id = a.id), p_workspace, p_action,
         p_entity_type, p_entity_id, p_changed, p_data, coalesce(p_ip, app.setting('client_ip')),
         coalesce(p_user_agent, app.setting('user_agent'))
  FROM (VALUES (coalesce(p_actor, app.user_id()))) a (id) $$;
DROP TABLE known_places, connect_epochs;
DROP TRIGGER access_features ON users;
DROP TRIGGER revoke_descendants ON access_tokens;
DROP FUNCTION app.revoke_descendants();
ALTER TABLE access_tokens DROP COLUMN parent_token_id, DROP COLUMN parent_session_id;
ALTER TABLE sessions DROP COLUMN signed_in_by, DROP COLUMN link_made_by;
ALTER TABLE sign_in_links DROP COLUMN made_for, DROP COLUMN made_by;
-- The previous version cannot finish a registration that has no password.
DELETE FROM sign_in_links WHERE purpose = 'verify' AND password_hash IS NULL;
ALTER TABLE sign_in_links DROP CONSTRAINT sign_in_links_subject;
ALTER TABLE sign_in_links ADD CHECK (
  CASE purpose WHEN 'verify' THEN user_id IS NULL AND email IS NOT NULL AND password_hash IS NOT NULL
  ELSE user_id IS NOT NULL END);
