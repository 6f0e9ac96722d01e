-- Whether a name of the default workspace's documents reads as the address of a document of another workspace.
CREATE OR REPLACE FUNCTION app.is_shadowed(p_name text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_name LIKE '_%/_%' THEN app.is_workspace_slug(split_part(p_name, '/', 1)) ELSE false END $$;
REVOKE EXECUTE ON FUNCTION app.is_shadowed(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.is_shadowed(text) TO app_readonly, app_readwrite, app_service, app_admin;
