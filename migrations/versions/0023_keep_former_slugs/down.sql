DROP TRIGGER former_slug ON workspaces;
DROP FUNCTION app.keep_former_slug();
DROP FUNCTION app.is_shadowed(text);
DROP FUNCTION app.is_workspace_slug(text);
DROP TABLE former_slugs;
