-- A member's permissions in themselves: what an archive leaves of them is for the functions above to say.
CREATE OR REPLACE FUNCTION app.effective_permissions(p_role workspace_role, p_overrides jsonb DEFAULT '{}') RETURNS text[]
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(p.permission), '{}') FROM role_permissions p
  WHERE p.role = 'owner' AND CASE p_overrides -> p.permission WHEN 'true' THEN true WHEN 'false' THEN false
    ELSE EXISTS (SELECT FROM role_permissions r WHERE r.role = p_role AND r.permission = p.permission) END $$;
REVOKE EXECUTE ON FUNCTION app.effective_permissions(workspace_role, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.effective_permissions(workspace_role, jsonb) TO app_readonly, app_readwrite, app_service, app_admin;
