-- Limits are the server administrators'. False: the transaction's user is none.
CREATE OR REPLACE FUNCTION app.set_limits(p_workspace uuid, p_member_limit integer, p_storage_limit bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM users WHERE id = app.user_id() AND role = 'admin' AND is_active AND deleted_at IS NULL) THEN
    RETURN false;
  END IF;
  UPDATE workspaces SET member_limit = coalesce(p_member_limit, member_limit),
      storage_limit_bytes = coalesce(p_storage_limit, storage_limit_bytes)
    WHERE id = p_workspace;
  RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION app.set_limits(uuid, integer, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.set_limits(uuid, integer, bigint) TO app_readwrite, app_service, app_admin;
