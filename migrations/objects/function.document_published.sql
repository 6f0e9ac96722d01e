-- A document that becomes public has a page. It keeps the slug when it is no longer public, for the next time.
CREATE OR REPLACE FUNCTION app.document_published() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.is_public THEN RETURN NULL; END IF;
  PERFORM app.add_public_page(NEW.id, NEW.title);
  UPDATE public_pages SET published_at = now() WHERE document_id = NEW.id;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.document_published() FROM PUBLIC;
