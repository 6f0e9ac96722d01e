-- Former slugs of workspaces are kept, so that old addresses never resolve to other documents.

-- SHA-256 of each slug that a workspace had before it was renamed or deleted. Hashes, because slugs of personal
-- workspaces contain names of people, whose accounts may be deleted.
CREATE TABLE former_slugs (slug_hash bytea PRIMARY KEY CHECK (octet_length(slug_hash) = 32));
ALTER TABLE former_slugs ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON former_slugs TO app_service, app_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON former_slugs TO app_service, app_admin;

INSERT INTO former_slugs
SELECT DISTINCT sha256(convert_to(slug, 'UTF8')) FROM workspaces WHERE slug IS NOT NULL AND deleted_at IS NOT NULL;

CREATE FUNCTION app.keep_former_slug() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
  IF OLD.slug IS NOT NULL AND (TG_OP = 'DELETE' OR NEW.slug IS DISTINCT FROM OLD.slug OR NEW.deleted_at IS NOT NULL) THEN
    INSERT INTO former_slugs VALUES (sha256(convert_to(OLD.slug, 'UTF8'))) ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER former_slug AFTER UPDATE OF slug, deleted_at OR DELETE ON workspaces
  FOR EACH ROW EXECUTE FUNCTION app.keep_former_slug();

-- Whether this is or was the slug of a workspace. Tells that to people who may not see the workspace: an address that
-- begins with it is refused to them.
CREATE FUNCTION app.is_workspace_slug(p_slug text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM workspaces WHERE slug = p_slug AND deleted_at IS NULL)
    OR EXISTS (SELECT FROM former_slugs WHERE slug_hash = sha256(convert_to(p_slug, 'UTF8'))) $$;
-- Whether a name of the default workspace's documents reads as the address of a document of another workspace.
CREATE FUNCTION app.is_shadowed(p_name text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN p_name LIKE '_%/_%' THEN app.is_workspace_slug(split_part(p_name, '/', 1)) ELSE false END $$;
REVOKE EXECUTE ON FUNCTION app.keep_former_slug(), app.is_workspace_slug(text), app.is_shadowed(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.is_workspace_slug(text), app.is_shadowed(text) TO app_readonly, app_readwrite, app_service, app_admin;
