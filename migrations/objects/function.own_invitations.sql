CREATE OR REPLACE FUNCTION app.own_invitations() RETURNS TABLE (id uuid, workspace_id uuid, workspace_name text, icon text,
  color text, role workspace_role, message text, inviter_id uuid, inviter_name text, created_at timestamptz,
  expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT i.id, i.workspace_id, w.name, w.icon, w.color, i.role, i.message, u.id,
         coalesce(u.display_name, u.username, u.email), i.created_at, i.expires_at
  FROM invitations i JOIN workspaces w ON w.id = i.workspace_id AND w.deleted_at IS NULL
  LEFT JOIN users u ON u.id = i.invited_by
  WHERE i.status = 'pending' AND i.expires_at > now() AND lower(i.email) = app.verified_email() $$;
REVOKE EXECUTE ON FUNCTION app.own_invitations() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.own_invitations() TO app_readonly, app_readwrite, app_service, app_admin;
