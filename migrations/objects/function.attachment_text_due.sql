-- The text of a new attachment is still to be read. A server does it where COLLAB_SEARCH_ATTACHMENTS is on.
CREATE OR REPLACE FUNCTION app.attachment_text_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO attachment_texts (attachment_id, document_id, workspace_id) VALUES (NEW.id, NEW.document_id, NEW.workspace_id);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.attachment_text_due() FROM PUBLIC;
