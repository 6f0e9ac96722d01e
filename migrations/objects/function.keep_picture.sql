-- A picture stays while the address of its owner's picture names it. Members hear of a person's new picture; of a workspace's
-- the entry of the workspace tells.
CREATE OR REPLACE FUNCTION app.keep_picture() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_TABLE_NAME = 'workspaces' THEN
    DELETE FROM pictures WHERE workspace_id = NEW.id AND strpos(coalesce(NEW.icon, ''), id::text) = 0;
    RETURN NULL;
  END IF;
  DELETE FROM pictures WHERE user_id = NEW.id AND strpos(coalesce(NEW.avatar_url, ''), id::text) = 0;
  PERFORM app.record_change(place, 'member', NEW.id, NULL, 'update', ARRAY['avatar_url']) FROM (
    SELECT m.workspace_id AS place FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id
    WHERE m.user_id = NEW.id AND m.is_active AND w.deleted_at IS NULL ORDER BY 1) places;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.keep_picture() FROM PUBLIC;
