-- Notes the generation of a document in the head of its log, where app.append_edits looks for it.
CREATE OR REPLACE FUNCTION app.generation_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE document_heads SET generation = NEW.generation WHERE document_id = NEW.id;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.generation_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.generation_changed() TO app_service, app_admin;
