-- Tags are part of what a document shows: its version moves with them.
CREATE OR REPLACE FUNCTION app.documents_tagged() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE ids uuid[];
BEGIN
  IF TG_TABLE_NAME = 'tags' THEN
    SELECT array_agg(DISTINCT document_id) INTO ids FROM document_tags WHERE tag_id IN (SELECT id FROM changed);
  ELSE
    SELECT array_agg(DISTINCT document_id) INTO ids FROM changed;
  END IF;
  UPDATE documents SET row_version = row_version + 1, updated_at = now(), updated_by = coalesce(app.user_id(), updated_by)
    WHERE id = ANY (ids);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.documents_tagged() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.documents_tagged() TO app_service, app_admin;
