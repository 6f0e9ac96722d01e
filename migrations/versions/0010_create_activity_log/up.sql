-- The activity log of workspaces and accounts.

-- One plain table, not partitions by month: edits of content do not come here, so it stays small beside the log of
-- edits, and nobody has to make next month's partition. Rows come in order of time, which is what BRIN is for: the
-- purge finds the old ones by a few pages of index. No foreign keys: entries outlive what they tell of.
CREATE TABLE activity_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(),
  actor_id uuid, actor_name text,  -- as it was then: others may not see that user any more
  workspace_id uuid, action text NOT NULL, entity_type text NOT NULL, entity_id text NOT NULL,
  changed_fields text[], data jsonb NOT NULL DEFAULT '{}', ip_address text, user_agent text);
CREATE INDEX activity_log_workspace ON activity_log (workspace_id, id DESC) WHERE workspace_id IS NOT NULL;
CREATE INDEX activity_log_actor ON activity_log (actor_id, id DESC) WHERE actor_id IS NOT NULL;
CREATE INDEX activity_log_entity ON activity_log (entity_type, entity_id, id DESC);
CREATE INDEX activity_log_created ON activity_log USING brin (created_at);

CREATE FUNCTION app.log_activity(p_action text, p_entity_type text, p_entity_id text, p_workspace uuid DEFAULT NULL,
  p_changed text[] DEFAULT NULL, p_data jsonb DEFAULT '{}', p_actor uuid DEFAULT NULL, p_ip text DEFAULT NULL,
  p_user_agent text DEFAULT NULL) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  INSERT INTO activity_log (actor_id, actor_name, workspace_id, action, entity_type, entity_id, changed_fields, data,
                            ip_address, user_agent)
  SELECT a.id, (SELECT coalesce(display_name, username, email) FROM users u WHERE u.id = a.id), p_workspace, p_action,
         p_entity_type, p_entity_id, p_changed, p_data, coalesce(p_ip, app.setting('client_ip')),
         coalesce(p_user_agent, app.setting('user_agent'))
  FROM (VALUES (coalesce(p_actor, app.user_id()))) a (id) $$;

-- p_old, p_new: the row before and after, without secrets. p_shown: the columns whose values are told.
CREATE FUNCTION app.log_change(p_entity_type text, p_entity_id text, p_workspace uuid, p_old jsonb, p_new jsonb,
  p_shown text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE changed text[]; action text; was jsonb; is_now jsonb;
BEGIN
  IF p_old IS NULL THEN
    action := 'create';
  ELSIF p_new IS NULL THEN
    action := CASE WHEN p_old ->> 'deleted_at' IS NULL THEN 'delete' ELSE 'purge' END;
  ELSE
    SELECT array_agg(k ORDER BY k) INTO changed FROM jsonb_object_keys(p_new) k WHERE p_new -> k IS DISTINCT FROM p_old -> k;
    IF changed IS NULL THEN RETURN; END IF;
    action := CASE
      WHEN 'deleted_at' = ANY (changed) THEN CASE WHEN p_new ->> 'deleted_at' IS NULL THEN 'restore' ELSE 'delete' END
      WHEN 'archived_at' = ANY (changed) THEN CASE WHEN p_new ->> 'archived_at' IS NULL THEN 'unarchive' ELSE 'archive' END
      WHEN 'revoked_at' = ANY (changed) THEN 'revoke'
      WHEN 'owner_id' = ANY (changed) THEN 'transfer'
      WHEN p_entity_type = 'invitation' AND 'status' = ANY (changed) THEN
        CASE p_new ->> 'status' WHEN 'accepted' THEN 'accept' WHEN 'declined' THEN 'decline' WHEN 'expired' THEN 'expire'
          WHEN 'revoked' THEN 'revoke' ELSE 'update' END
      WHEN p_entity_type = 'invitation' THEN 'resend'
      ELSE 'update' END;
  END IF;
  SELECT jsonb_object_agg(k, p_old -> k) INTO was FROM unnest(p_shown) k
    WHERE p_old ->> k IS NOT NULL AND (changed IS NULL OR k = ANY (changed));
  SELECT jsonb_object_agg(k, p_new -> k) INTO is_now FROM unnest(p_shown) k
    WHERE p_new ->> k IS NOT NULL AND (changed IS NULL OR k = ANY (changed));
  PERFORM app.log_activity(action, p_entity_type, p_entity_id, p_workspace, changed,
    jsonb_strip_nulls(jsonb_build_object('old', was, 'new', is_now)));
END $$;

-- Arguments: the entity's type, the column of its id, the columns whose values are told.
CREATE FUNCTION app.audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  quiet text[] := ARRAY['updated_at', 'row_version', 'token_hash', 'last_used_at', 'last_accessed_at', 'last_login_at'];
  o jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - quiet END;
  n jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - quiet END;
  place uuid := coalesce(n, o) ->> CASE TG_TABLE_NAME WHEN 'workspaces' THEN 'id' ELSE 'workspace_id' END;
BEGIN
  -- What goes with a purged workspace is not told one by one.
  IF TG_OP = 'DELETE' AND TG_TABLE_NAME <> 'workspaces' AND place IS NOT NULL
     AND NOT EXISTS (SELECT FROM workspaces WHERE id = place) THEN RETURN NULL; END IF;
  PERFORM app.log_change(TG_ARGV[0], coalesce(n, o) ->> TG_ARGV[1], place, o, n, TG_ARGV[2:TG_NARGS - 1]);
  RETURN NULL;
END $$;
-- Apart from the rest, as a document's whole row is content and state.
CREATE FUNCTION app.audit_document() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  o jsonb := CASE WHEN TG_OP <> 'INSERT' THEN jsonb_build_object('title', OLD.title, 'name', OLD.name, 'type', OLD.type,
    'description', OLD.description, 'status', OLD.status, 'priority', OLD.priority, 'language', OLD.language,
    'metadata', OLD.metadata, 'settings', OLD.settings, 'category_id', OLD.category_id, 'workspace_id', OLD.workspace_id,
    'is_public', OLD.is_public, 'is_template', OLD.is_template, 'published_at', OLD.published_at,
    'expires_at', OLD.expires_at, 'deleted_at', OLD.deleted_at) END;
  n jsonb := CASE WHEN TG_OP <> 'DELETE' THEN jsonb_build_object('title', NEW.title, 'name', NEW.name, 'type', NEW.type,
    'description', NEW.description, 'status', NEW.status, 'priority', NEW.priority, 'language', NEW.language,
    'metadata', NEW.metadata, 'settings', NEW.settings, 'category_id', NEW.category_id, 'workspace_id', NEW.workspace_id,
    'is_public', NEW.is_public, 'is_template', NEW.is_template, 'published_at', NEW.published_at,
    'expires_at', NEW.expires_at, 'deleted_at', NEW.deleted_at) END;
  shown text[] := ARRAY['title', 'name', 'type', 'status', 'is_public', 'is_template'];
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF EXISTS (SELECT FROM workspaces WHERE id = OLD.workspace_id) THEN
      PERFORM app.log_change('document', OLD.id::text, OLD.workspace_id, o, NULL, shown);
    END IF;
  ELSIF TG_OP = 'UPDATE' AND NEW.workspace_id <> OLD.workspace_id THEN
    -- Each workspace hears of its own end of a move only.
    PERFORM app.log_activity('move_out', 'document', OLD.id::text, OLD.workspace_id, NULL,
      jsonb_build_object('old', jsonb_build_object('title', OLD.title)));
    PERFORM app.log_activity('move_in', 'document', NEW.id::text, NEW.workspace_id, NULL,
      jsonb_build_object('new', jsonb_build_object('title', NEW.title)));
  ELSE
    PERFORM app.log_change('document', NEW.id::text, NEW.workspace_id, o, n, shown);
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION app.audit_session() RETURNS trigger
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
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON workspaces FOR EACH ROW EXECUTE FUNCTION app.audit(
  'workspace', 'id', 'name', 'slug', 'kind', 'owner_id', 'member_limit', 'storage_limit_bytes');
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF role, permissions, is_active ON workspace_members
  FOR EACH ROW EXECUTE FUNCTION app.audit('member', 'user_id', 'role', 'permissions', 'is_active');
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE ON invitations
  FOR EACH ROW EXECUTE FUNCTION app.audit('invitation', 'id', 'email', 'role', 'status');
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF name, scopes, expires_at, revoked_at ON access_tokens
  FOR EACH ROW EXECUTE FUNCTION app.audit('access_token', 'id', 'name', 'scopes');
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF email, email_verified, username, display_name, first_name,
  last_name, avatar_url, bio, role, features, metadata, subscription_tier, is_active, deleted_at ON users
  FOR EACH ROW EXECUTE FUNCTION app.audit('user', 'id', 'role', 'is_active', 'email_verified', 'subscription_tier');
CREATE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF title, name, description, type, status, priority, language,
  metadata, settings, category_id, workspace_id, is_public, is_template, published_at, expires_at, deleted_at
  ON documents FOR EACH ROW EXECUTE FUNCTION app.audit_document();
DO $$ BEGIN
  IF to_regclass('public.sessions') IS NOT NULL THEN
    CREATE TRIGGER audit AFTER INSERT OR DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION app.audit_session();
  END IF;
END $$;

CREATE FUNCTION app.purge_activity(p_days integer DEFAULT 90, p_limit integer DEFAULT 10000) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH old AS (DELETE FROM activity_log WHERE id IN (
    SELECT id FROM activity_log WHERE created_at < now() - make_interval(days => p_days) LIMIT p_limit) RETURNING 1)
  SELECT count(*)::integer FROM old $$;
-- What an account that is erased leaves in the log: that something was done, not who it was.
CREATE FUNCTION app.erase_activity(p_user uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE activity_log SET actor_id = NULL, actor_name = NULL, ip_address = NULL, user_agent = NULL
    WHERE actor_id = p_user;
  UPDATE activity_log SET data = '{}' WHERE entity_type = 'user' AND entity_id = p_user::text;
  UPDATE activity_log a SET data = '{}' FROM invitations i JOIN users u ON lower(u.email) = lower(i.email)
    WHERE u.id = p_user AND a.entity_type = 'invitation' AND a.entity_id = i.id::text $$;

ALTER TABLE activity_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON activity_log TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY activity_read ON activity_log FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_manage_workspace'))::uuid[])
         OR workspace_id IS NULL AND entity_type IN ('session', 'access_token') AND actor_id = (SELECT app.user_id()));
GRANT SELECT, DELETE ON activity_log TO app_service, app_admin;
GRANT SELECT ON activity_log TO app_readonly, app_readwrite;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA app TO app_service, app_admin;
