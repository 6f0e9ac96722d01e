-- Whether this is or was the slug of a workspace. Tells that to people who may not see the workspace: an address that
-- begins with it is refused to them.
CREATE OR REPLACE FUNCTION app.is_workspace_slug(p_slug text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM workspaces WHERE slug = p_slug AND deleted_at IS NULL)
    OR EXISTS (SELECT FROM former_slugs WHERE slug_hash = sha256(convert_to(p_slug, 'UTF8'))) $$;
REVOKE EXECUTE ON FUNCTION app.is_workspace_slug(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.is_workspace_slug(text) TO app_readonly, app_readwrite, app_service, app_admin;
