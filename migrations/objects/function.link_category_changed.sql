-- Tells the servers of a document that comes into, or leaves, what a link to a category opens.
CREATE OR REPLACE FUNCTION app.link_category_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM pg_notify('collab_access', 'document ' || NEW.id)
  WHERE EXISTS (SELECT FROM shares WHERE workspace_id = NEW.workspace_id AND category_id IS NOT NULL AND revoked_at IS NULL);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.link_category_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.link_category_changed() TO app_service, app_admin;
