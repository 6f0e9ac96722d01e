CREATE OR REPLACE FUNCTION app.expire_invitations(p_workspace uuid DEFAULT NULL) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH expired AS (UPDATE invitations SET status = 'expired', responded_at = now()
    WHERE status = 'pending' AND expires_at <= now() AND (p_workspace IS NULL OR workspace_id = p_workspace) RETURNING 1)
  SELECT count(*)::integer FROM expired $$;
REVOKE EXECUTE ON FUNCTION app.expire_invitations(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.expire_invitations(uuid) TO app_readwrite, app_service, app_admin;
