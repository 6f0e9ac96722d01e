-- In another language, other words are found.
CREATE OR REPLACE FUNCTION app.document_texts_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE attachment_texts SET status = 'pending', attempts = 0 WHERE document_id = NEW.id;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.document_texts_due() FROM PUBLIC;
