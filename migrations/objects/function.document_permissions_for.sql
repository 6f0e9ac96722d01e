-- app.document_permission for many at once, as whoever is named: p_users[n] (NULL: a guest) in p_documents[n]. Nobody
-- who is deactivated may do anything. One statement over all: asking that function a thousand times takes seconds, as
-- each call plans five queries. A test holds the two together.
CREATE OR REPLACE FUNCTION app.document_permissions_for(p_users uuid[], p_documents uuid[], p_guest_role text DEFAULT '')
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
  LEFT JOIN documents d ON d.id = asked.document_id AND (d.deleted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now()))
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
REVOKE EXECUTE ON FUNCTION app.document_permissions_for(uuid[], uuid[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.document_permissions_for(uuid[], uuid[], text) TO app_service, app_admin;
