-- Tells the servers of documents that come into, or leave, what a link to a tag opens.
CREATE OR REPLACE FUNCTION app.link_tag_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM pg_notify('collab_access', 'document ' || x.document_id) FROM (
    SELECT DISTINCT c.document_id FROM changed c JOIN shares s ON s.tag_id = c.tag_id AND s.revoked_at IS NULL) x;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.link_tag_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.link_tag_changed() TO app_service, app_admin;
