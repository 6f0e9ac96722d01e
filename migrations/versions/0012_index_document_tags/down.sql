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
DROP FUNCTION app.titles_containing(uuid, text, integer);
DROP INDEX document_tags_tag;
CREATE INDEX document_tags_tag ON document_tags (workspace_id, tag_id);
