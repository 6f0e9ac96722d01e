-- Roles, users, access tokens, workspaces and their members.

-- app_readonly, app_readwrite: bound to one person, under row-level security. app_service: the server's own work.
-- app_admin: operators. None logs in, owns a table, is superuser or has BYPASSRLS. The server's login picks one per
-- transaction. Roles belong to the cluster: another database may be creating them at this moment.
DO $$
DECLARE r text;
BEGIN
  FOREACH r IN ARRAY ARRAY['app_readonly', 'app_readwrite', 'app_service', 'app_admin'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', r);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
      END;
    END IF;
  END LOOP;
END $$;

CREATE SCHEMA app;  -- functions; tables are in public
REVOKE ALL ON SCHEMA app FROM PUBLIC;
GRANT USAGE ON SCHEMA app TO app_readonly, app_readwrite, app_service, app_admin;

CREATE TYPE workspace_role AS ENUM ('owner', 'admin', 'editor', 'commenter', 'viewer');

-- Who is asking. A setting that was SET LOCAL once reads '' afterwards, not NULL. Nobody set: no rows, never an error.
CREATE FUNCTION app.setting(p_name text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT NULLIF(current_setting('app.' || p_name, true), '') $$;
CREATE FUNCTION app.user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT NULLIF(current_setting('app.current_user_id', true), '')::uuid $$;
CREATE FUNCTION app.slugify(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(
    NULLIF(trim(both '-' FROM left(regexp_replace(lower(p_text), '[^[:alnum:]]+', '-', 'g'), 80)), ''),
    'x-' || left(md5(p_text), 8)) $$;

CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email text NOT NULL  -- its shape only: that it is somebody's is proved by mail or OIDC
    CHECK (length(email) <= 320 AND email ~ '^[^@\s]+@[^@\s.]+(\.[^@\s.]+)*$'),
  email_verified boolean NOT NULL DEFAULT false,
  username text CHECK (username ~ '^[[:alnum:]_.-]{2,100}$'),
  display_name text CHECK (length(display_name) <= 255),
  first_name text, last_name text, avatar_url text, bio text,
  role text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'premium', 'admin')),
  features jsonb NOT NULL DEFAULT '{}', metadata jsonb NOT NULL DEFAULT '{}',
  subscription_tier text NOT NULL DEFAULT 'free' CHECK (subscription_tier IN ('free', 'pro', 'team', 'enterprise')),
  subscription_status text NOT NULL DEFAULT 'active', subscription_expires_at timestamptz,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  last_login_at timestamptz, deleted_at timestamptz);
CREATE UNIQUE INDEX users_email_key ON users (lower(email)) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX users_username_key ON users (lower(username)) WHERE deleted_at IS NULL;

CREATE TABLE access_tokens (  -- API tokens; only the SHA-256 of one is ever stored
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  name text NOT NULL, token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
  scopes text[] NOT NULL DEFAULT '{read}',
  last_used_at timestamptz, expires_at timestamptz, revoked_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX access_tokens_user ON access_tokens (user_id);

CREATE TABLE workspaces (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  owner_id uuid NOT NULL REFERENCES users ON DELETE RESTRICT,  -- hand over or delete first
  name text NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 255),
  slug text CHECK (length(slug) <= 100 AND slug ~ '^[[:alnum:]]+(-[[:alnum:]]+)*$' AND slug = lower(slug)),
  description text, icon text, color text CHECK (color ~ '^#[0-9A-Fa-f]{6}$'),
  kind text NOT NULL DEFAULT 'personal' CHECK (kind IN ('personal', 'team', 'playground')),
  settings jsonb NOT NULL DEFAULT '{}',
  storage_limit_bytes bigint NOT NULL DEFAULT 1073741824 CHECK (storage_limit_bytes >= 0),
  member_limit integer NOT NULL DEFAULT 10 CHECK (member_limit > 0),
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  archived_at timestamptz, deleted_at timestamptz);
CREATE INDEX workspaces_owner ON workspaces (owner_id);
CREATE INDEX workspaces_playground ON workspaces (id) WHERE kind = 'playground' AND deleted_at IS NULL;
CREATE UNIQUE INDEX workspaces_slug_key ON workspaces (slug) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX workspaces_one_personal ON workspaces (owner_id) WHERE kind = 'personal' AND deleted_at IS NULL;

CREATE TABLE workspace_usage (  -- hot counters, apart from the workspace's row
  workspace_id uuid PRIMARY KEY REFERENCES workspaces ON DELETE CASCADE,
  storage_used_bytes bigint NOT NULL DEFAULT 0 CHECK (storage_used_bytes >= 0),
  active_members integer NOT NULL DEFAULT 0) WITH (fillfactor = 50);

CREATE TABLE role_permissions (role workspace_role NOT NULL, permission text NOT NULL, PRIMARY KEY (role, permission));
INSERT INTO role_permissions
SELECT role::workspace_role, permission FROM (VALUES
  ('owner', '{can_read,can_comment,can_create_documents,can_edit_documents,can_delete_documents,can_invite_members,can_manage_workspace}'::text[]),
  ('admin', '{can_read,can_comment,can_create_documents,can_edit_documents,can_delete_documents,can_invite_members,can_manage_workspace}'),
  ('editor', '{can_read,can_comment,can_create_documents,can_edit_documents}'),
  ('commenter', '{can_read,can_comment}'),
  ('viewer', '{can_read}')) v (role, permissions), unnest(permissions) permission;

CREATE TABLE workspace_members (
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  role workspace_role NOT NULL DEFAULT 'viewer',
  permissions jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(permissions) = 'object'),  -- departures from the role only
  invited_by uuid REFERENCES users ON DELETE SET NULL, invitation_accepted_at timestamptz,
  is_active boolean NOT NULL DEFAULT true, joined_at timestamptz NOT NULL DEFAULT now(), last_accessed_at timestamptz,
  PRIMARY KEY (workspace_id, user_id));
CREATE INDEX workspace_members_user ON workspace_members (user_id) INCLUDE (workspace_id, role, is_active);
CREATE INDEX workspace_members_invited_by ON workspace_members (invited_by);

-- Access. SECURITY DEFINER, or the policies that use them would recurse. Written `x = ANY ((SELECT f())::uuid[])` in a
-- policy they run once per statement. What guests (no user, only the setting app.guest_role) may do is confined to
-- workspaces of kind 'playground'; the setting grants it to signed-in people there too.
CREATE FUNCTION app.workspace_ids(p_permission text DEFAULT 'can_read') RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(id), '{}') FROM (
    SELECT w.id FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id
    WHERE m.user_id = app.user_id() AND m.is_active AND w.deleted_at IS NULL
      AND CASE m.permissions -> p_permission WHEN 'true' THEN true WHEN 'false' THEN false
          ELSE EXISTS (SELECT FROM role_permissions r WHERE r.role = m.role AND r.permission = p_permission) END
    UNION
    SELECT w.id FROM workspaces w
    WHERE w.kind = 'playground' AND w.deleted_at IS NULL
      AND EXISTS (SELECT FROM role_permissions r
                  WHERE r.role::text = app.setting('guest_role') AND r.role IN ('viewer', 'commenter', 'editor')
                    AND r.permission = p_permission)) allowed $$;
CREATE FUNCTION app.peer_ids() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(DISTINCT other.user_id), '{}')
  FROM workspace_members me JOIN workspace_members other USING (workspace_id)
  WHERE me.user_id = app.user_id() AND me.is_active $$;

CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON users
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION app.touch();
CREATE TRIGGER touch BEFORE UPDATE ON workspaces
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION app.touch();

CREATE FUNCTION app.workspace_after_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO workspace_usage (workspace_id) VALUES (NEW.id);
  INSERT INTO workspace_members (workspace_id, user_id, role) VALUES (NEW.id, NEW.owner_id, 'owner');
  RETURN NULL;
END $$;
CREATE TRIGGER workspaces_10_owner AFTER INSERT ON workspaces
  FOR EACH ROW EXECUTE FUNCTION app.workspace_after_insert();

CREATE FUNCTION app.member_guard() RETURNS trigger
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
CREATE TRIGGER member_guard BEFORE INSERT OR DELETE OR UPDATE OF role, is_active, permissions ON workspace_members
  FOR EACH ROW EXECUTE FUNCTION app.member_guard();

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE workspaces ENABLE ROW LEVEL SECURITY;
ALTER TABLE workspace_usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE role_permissions ENABLE ROW LEVEL SECURITY;
ALTER TABLE workspace_members ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON users TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON access_tokens TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON workspaces TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON workspace_usage TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON role_permissions TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON workspace_members TO app_service, app_admin USING (true) WITH CHECK (true);

CREATE POLICY self_or_peer ON users FOR SELECT TO app_readwrite, app_readonly
  USING (id = (SELECT app.user_id()) OR id = ANY ((SELECT app.peer_ids())::uuid[]));
CREATE POLICY self_update ON users FOR UPDATE TO app_readwrite USING (id = (SELECT app.user_id()));
CREATE POLICY ws_read ON workspaces FOR SELECT TO app_readwrite, app_readonly
  USING (id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]) OR owner_id = (SELECT app.user_id()));
-- nobody but the server opens a workspace to guests
CREATE POLICY ws_create ON workspaces FOR INSERT TO app_readwrite
  WITH CHECK (owner_id = (SELECT app.user_id()) AND kind <> 'playground');
CREATE POLICY ws_update ON workspaces FOR UPDATE TO app_readwrite
  USING (kind <> 'playground' AND (owner_id = (SELECT app.user_id())
         OR id = ANY ((SELECT app.workspace_ids('can_manage_workspace'))::uuid[])));
CREATE POLICY tenant_read ON workspace_usage FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]));
CREATE POLICY read ON role_permissions FOR SELECT TO app_readwrite, app_readonly USING (true);
CREATE POLICY tenant_read ON workspace_members FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]));
CREATE POLICY member_manage ON workspace_members TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_manage_workspace'))::uuid[]))
  WITH CHECK (workspace_id = ANY ((SELECT app.workspace_ids('can_manage_workspace'))::uuid[]) AND role <> 'owner');
CREATE POLICY member_leave ON workspace_members FOR DELETE TO app_readwrite USING (user_id = (SELECT app.user_id()));

GRANT SELECT, INSERT, UPDATE, DELETE
  ON users, access_tokens, workspaces, workspace_usage, role_permissions, workspace_members TO app_service, app_admin;
GRANT SELECT ON workspaces, workspace_usage, role_permissions, workspace_members TO app_readonly, app_readwrite;
GRANT SELECT (id, email, username, display_name, avatar_url, bio, is_active, created_at, deleted_at)
  ON users TO app_readonly, app_readwrite;
GRANT UPDATE (username, display_name, first_name, last_name, avatar_url, bio, metadata) ON users TO app_readwrite;
GRANT INSERT (id, owner_id, name, slug, description, icon, color, kind, settings),
  UPDATE (name, slug, description, icon, color, kind, settings, archived_at, deleted_at) ON workspaces TO app_readwrite;
GRANT INSERT, DELETE, UPDATE (role, permissions, is_active, last_accessed_at) ON workspace_members TO app_readwrite;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA app TO app_service, app_admin;
GRANT EXECUTE ON FUNCTION app.setting(text), app.user_id(), app.slugify(text), app.workspace_ids(text), app.peer_ids()
  TO app_readonly, app_readwrite;

-- The owner of the workspace in which guests write. Nobody can sign in as it.
INSERT INTO users (id, email, display_name, is_active)
  VALUES ('00000000-0000-0000-0000-000000000001', 'system@collab.invalid', 'System', false);
INSERT INTO workspaces (id, owner_id, name, slug, kind)
  VALUES ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000001',
          'Playground', 'playground', 'playground');

-- What a later migration may forget. The tests demand that it is empty.
CREATE VIEW app.schema_gaps AS
SELECT c.relname::text AS object, 'table without row-level security' AS gap FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND NOT c.relrowsecurity AND c.relname <> 'alembic_version'
UNION ALL
SELECT p.proname, 'SECURITY DEFINER without search_path' FROM pg_proc p
WHERE p.pronamespace = 'app'::regnamespace AND p.prosecdef AND NOT coalesce(p.proconfig::text, '') LIKE '%search_path%'
UNION ALL
SELECT p.proname, 'function that everybody may execute' FROM pg_proc p
WHERE p.pronamespace = 'app'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')
UNION ALL
SELECT k.conrelid::regclass || '.' || a.attname, 'foreign key without index'
FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND k.conparentid = 0
  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indkey[0] = ANY (k.conkey)
    AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = '(' || a.attname || ' IS NOT NULL)'));
GRANT SELECT ON app.schema_gaps TO app_service, app_admin;
GRANT SELECT ON alembic_version TO PUBLIC;  -- a server whose login owns nothing asks whether it fits the schema
