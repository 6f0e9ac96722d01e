-- done, not_owner, not_team, not_member (of an active account), same
CREATE OR REPLACE FUNCTION app.transfer_workspace(p_workspace uuid, p_to uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE w workspaces;
BEGIN
  SELECT * INTO w FROM workspaces WHERE id = p_workspace AND deleted_at IS NULL FOR UPDATE;
  IF w.owner_id IS DISTINCT FROM app.user_id() THEN RETURN 'not_owner'; END IF;
  IF w.kind <> 'team' THEN RETURN 'not_team'; END IF;
  IF p_to = w.owner_id THEN RETURN 'same'; END IF;
  PERFORM FROM workspace_members m JOIN users u ON u.id = m.user_id
    WHERE m.workspace_id = p_workspace AND m.user_id = p_to AND m.is_active AND u.is_active AND u.deleted_at IS NULL
    FOR UPDATE OF m;
  IF NOT FOUND THEN RETURN 'not_member'; END IF;
  UPDATE workspaces SET owner_id = p_to WHERE id = p_workspace;
  UPDATE workspace_members SET role = 'owner', permissions = '{}' WHERE workspace_id = p_workspace AND user_id = p_to;
  UPDATE workspace_members SET role = 'admin' WHERE workspace_id = p_workspace AND user_id = w.owner_id;
  RETURN 'done';
END $$;
REVOKE EXECUTE ON FUNCTION app.transfer_workspace(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.transfer_workspace(uuid, uuid) TO app_readwrite, app_service, app_admin;
