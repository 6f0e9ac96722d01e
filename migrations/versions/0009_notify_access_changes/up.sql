-- Notifications about changed access rights. Open connections apply them.

-- `kind id` on the channel collab_access: whose access, or access to what, may be another now. A notice says that
-- something changed, not what: the servers look. It leaves with the commit, and equal ones leave once. Nothing that
-- people do all day sends one (edits, folds, renaming): commits that notify wait for each other.
CREATE FUNCTION app.access_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE subject uuid;
BEGIN
  EXECUTE format('SELECT ($1).%I', TG_ARGV[1]) INTO subject USING coalesce(NEW, OLD);
  PERFORM pg_notify('collab_access', TG_ARGV[0] || ' ' || subject);
  RETURN NULL;
END $$;

CREATE TRIGGER access_ins_del AFTER INSERT OR DELETE ON workspace_members
  FOR EACH ROW EXECUTE FUNCTION app.access_changed('user', 'user_id');
CREATE TRIGGER access_upd AFTER UPDATE OF role, permissions, is_active ON workspace_members FOR EACH ROW
  WHEN ((OLD.role, OLD.permissions, OLD.is_active) IS DISTINCT FROM (NEW.role, NEW.permissions, NEW.is_active))
  EXECUTE FUNCTION app.access_changed('user', 'user_id');
-- A workspace that is erased takes its documents along: each of them tells.
CREATE TRIGGER access_upd AFTER UPDATE OF archived_at, deleted_at, owner_id, kind ON workspaces FOR EACH ROW
  WHEN ((OLD.archived_at IS NULL, OLD.deleted_at IS NULL, OLD.owner_id, OLD.kind) IS DISTINCT FROM
        (NEW.archived_at IS NULL, NEW.deleted_at IS NULL, NEW.owner_id, NEW.kind))
  EXECUTE FUNCTION app.access_changed('workspace', 'id');
CREATE TRIGGER access_upd AFTER UPDATE OF deleted_at, workspace_id, is_public, generation, settings, type ON documents
  FOR EACH ROW
  WHEN ((OLD.deleted_at IS NULL, OLD.workspace_id, OLD.is_public, OLD.generation, OLD.settings -> 'collaboration',
         OLD.type) IS DISTINCT FROM
        (NEW.deleted_at IS NULL, NEW.workspace_id, NEW.is_public, NEW.generation, NEW.settings -> 'collaboration',
         NEW.type))
  EXECUTE FUNCTION app.access_changed('document', 'id');
CREATE TRIGGER access_del AFTER DELETE ON documents
  FOR EACH ROW EXECUTE FUNCTION app.access_changed('document', 'id');
CREATE TRIGGER access_upd AFTER UPDATE OF revoked_at, expires_at, scopes ON access_tokens FOR EACH ROW
  WHEN ((OLD.revoked_at, OLD.expires_at, OLD.scopes) IS DISTINCT FROM (NEW.revoked_at, NEW.expires_at, NEW.scopes))
  EXECUTE FUNCTION app.access_changed('token', 'id');
CREATE TRIGGER access_del AFTER DELETE ON access_tokens
  FOR EACH ROW EXECUTE FUNCTION app.access_changed('token', 'id');
CREATE TRIGGER access_upd AFTER UPDATE OF expires_at ON sessions FOR EACH ROW
  WHEN (OLD.expires_at <> NEW.expires_at) EXECUTE FUNCTION app.access_changed('session', 'id');
CREATE TRIGGER access_del AFTER DELETE ON sessions FOR EACH ROW  -- whoever had one that expired is gone already
  WHEN (OLD.expires_at > now()) EXECUTE FUNCTION app.access_changed('session', 'id');
CREATE TRIGGER access_upd AFTER UPDATE OF is_active, deleted_at, role ON users FOR EACH ROW
  WHEN ((OLD.is_active, OLD.deleted_at IS NULL, OLD.role) IS DISTINCT FROM
        (NEW.is_active, NEW.deleted_at IS NULL, NEW.role))
  EXECUTE FUNCTION app.access_changed('user', 'id');
CREATE TRIGGER access_del AFTER DELETE ON users
  FOR EACH ROW EXECUTE FUNCTION app.access_changed('user', 'id');

-- app.document_permission for many at once, as whoever is named: p_users[n] (NULL: a guest) in p_documents[n]. Nobody
-- who is deactivated may do anything. One statement over all: asking that function a thousand times takes seconds, as
-- each call plans five queries. A test holds the two together.
CREATE FUNCTION app.document_permissions_for(p_users uuid[], p_documents uuid[], p_guest_role text DEFAULT '')
RETURNS TABLE (user_id uuid, document_id uuid, permission share_permission)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT asked.user_id, asked.document_id,
    CASE WHEN d.id IS NULL OR (asked.user_id IS NOT NULL AND u.id IS NULL) THEN NULL
         WHEN 'can_delete_documents' = ANY (allowed.permissions) THEN 'admin'
         WHEN 'can_edit_documents' = ANY (allowed.permissions) THEN 'write'
         WHEN 'can_comment' = ANY (allowed.permissions) THEN 'comment'
         WHEN 'can_read' = ANY (allowed.permissions) OR (d.is_public AND w.id IS NOT NULL) THEN 'read' END::share_permission
  FROM unnest(p_users, p_documents) asked (user_id, document_id)
  LEFT JOIN users u ON u.id = asked.user_id AND u.is_active AND u.deleted_at IS NULL
  LEFT JOIN documents d ON d.id = asked.document_id AND d.deleted_at IS NULL
  LEFT JOIN workspaces w ON w.id = d.workspace_id AND w.deleted_at IS NULL
  LEFT JOIN workspace_members m ON m.workspace_id = w.id AND m.user_id = u.id AND m.is_active
  CROSS JOIN LATERAL (
    SELECT array_agg(p.permission) AS permissions FROM (SELECT permission FROM role_permissions WHERE role = 'owner') p
    WHERE (w.archived_at IS NULL OR p.permission = 'can_read')
      AND (CASE m.permissions -> p.permission WHEN 'true' THEN true WHEN 'false' THEN false
           ELSE EXISTS (SELECT FROM role_permissions r WHERE r.role = m.role AND r.permission = p.permission) END
           OR (w.kind = 'playground' AND EXISTS (
               SELECT FROM role_permissions r WHERE r.role::text = p_guest_role AND r.permission = p.permission
                 AND r.role IN ('viewer', 'commenter', 'editor'))))) allowed $$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
-- It answers for anybody: only the server may ask.
GRANT EXECUTE ON FUNCTION app.document_permissions_for(uuid[], uuid[], text) TO app_service;
