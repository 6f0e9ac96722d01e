-- app.document_permission for many at once, as whoever is named: p_users[n] (NULL: a guest), who came by the link p_shares[n]
-- (NULL: by none), in p_documents[n]. in_discussion: they may read comments, too. Nobody who is deactivated may do anything.
-- One statement over all: asking that function a thousand times takes seconds, as each call plans five queries. A test holds
-- the two together.
CREATE OR REPLACE FUNCTION app.document_permissions_for(p_users uuid[], p_shares uuid[], p_documents uuid[],
  p_guest_role text DEFAULT '')
RETURNS TABLE (user_id uuid, share_id uuid, document_id uuid, permission share_permission, in_discussion boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT asked.user_id, asked.share_id, asked.document_id,
    CASE WHEN NOT known.found THEN NULL
         ELSE greatest(own.permission, shared.permission, CASE WHEN d.is_public AND w.id IS NOT NULL THEN 'read'::share_permission END) END,
    known.found AND greatest(own.permission, shared.permission) IS NOT NULL
  FROM unnest(p_users, p_shares, p_documents) asked (user_id, share_id, document_id)
  LEFT JOIN users u ON u.id = asked.user_id AND u.is_active AND u.deleted_at IS NULL
  LEFT JOIN documents d ON d.id = asked.document_id AND (d.deleted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now()))
  LEFT JOIN workspaces w ON w.id = d.workspace_id AND w.deleted_at IS NULL
  LEFT JOIN workspace_members m ON m.workspace_id = w.id AND m.user_id = u.id AND m.is_active
  CROSS JOIN LATERAL (SELECT d.id IS NOT NULL AND (asked.user_id IS NULL OR u.id IS NOT NULL) AS found) known
  CROSS JOIN LATERAL (
    SELECT app.permission_among(array_agg(p.permission))::share_permission AS permission
    FROM (SELECT permission FROM role_permissions WHERE role = 'owner') p
    WHERE (w.archived_at IS NULL OR p.permission = 'can_read')
      AND (CASE m.permissions -> p.permission WHEN 'true' THEN true WHEN 'false' THEN false
           ELSE EXISTS (SELECT FROM role_permissions r WHERE r.role = m.role AND r.permission = p.permission) END
           OR (w.kind = 'playground' AND EXISTS (
               SELECT FROM role_permissions r WHERE r.role::text = p_guest_role AND r.permission = p.permission
                 AND r.role IN ('viewer', 'commenter', 'editor'))))) own
  LEFT JOIN LATERAL (
    SELECT greatest(CASE WHEN w.archived_at IS NULL THEN max(s.permission) ELSE min('read'::share_permission) END,
      CASE WHEN asked.share_id IS NOT NULL AND d.id = ANY (app.link_documents(asked.share_id, d.id))
           THEN 'read'::share_permission END)
      AS permission
    FROM shares s WHERE s.document_id = d.id AND w.id IS NOT NULL AND (s.grantee_id = u.id OR s.id = asked.share_id)
      AND s.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now())) shared ON true $$;
REVOKE EXECUTE ON FUNCTION app.document_permissions_for(uuid[], uuid[], uuid[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.document_permissions_for(uuid[], uuid[], uuid[], text) TO app_service, app_admin;
