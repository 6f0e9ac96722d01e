CREATE OR REPLACE FUNCTION app.workspace_ids(p_permission text DEFAULT 'can_read') RETURNS uuid[]
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
DROP TRIGGER member_removed ON workspace_members;
DROP TRIGGER member_suspended ON workspace_members;
DROP TRIGGER member_rights ON workspace_members;
DROP TRIGGER workspaces_before ON workspaces;
DROP TABLE invitations;
DROP INDEX workspaces_deleted_at;
ALTER TABLE workspaces DROP row_version;
GRANT UPDATE (kind) ON workspaces TO app_readwrite;
DROP FUNCTION app.purge_workspaces(integer, integer), app.decline_invitation(uuid, bytea),
  app.accept_invitation(uuid, bytea), app.own_invitations(), app.verified_email(), app.member_gone(),
  app.invitation_guard(), app.invitations_sent_today(), app.purge_invitations(integer, integer), app.expire_invitations(uuid),
  app.set_limits(uuid, integer, bigint), app.transfer_workspace(uuid, uuid), app.note_visit(uuid),
  app.workspaces_before(), app.member_rights(), app.own_permissions(uuid),
  app.effective_permissions(workspace_role, jsonb), app.workspace_permissions(uuid);
DROP TYPE invitation_status;
