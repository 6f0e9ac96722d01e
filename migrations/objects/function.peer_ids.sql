CREATE OR REPLACE FUNCTION app.peer_ids() RETURNS uuid[] LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE me uuid := app.user_id();
BEGIN
  RETURN ARRAY(
    SELECT DISTINCT other.user_id FROM workspace_members mine JOIN workspace_members other USING (workspace_id)
    WHERE mine.user_id = me AND mine.is_active);
END $$;
REVOKE EXECUTE ON FUNCTION app.peer_ids() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.peer_ids() TO app_readonly, app_readwrite, app_service, app_admin;
