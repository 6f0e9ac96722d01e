-- Sets up the page of a document, for who may make the document public. NULL keeps a value. False: another page has or had
-- the slug.
CREATE OR REPLACE FUNCTION app.set_public_page(p_document uuid, p_slug text, p_indexable boolean, p_live boolean) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE place uuid; author uuid; name text;
BEGIN
  SELECT workspace_id, created_by, title INTO place, author, name FROM documents
    WHERE id = p_document AND deleted_at IS NULL AND type <> 'password' FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such document' USING ERRCODE = 'no_data_found';
  END IF;
  IF NOT app.may_remove(place, author) AND NOT p_document = ANY (app.shared_documents('admin')) THEN
    RAISE EXCEPTION 'publishing needs can_delete_documents, authorship or an admin share' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM app.add_public_page(p_document, coalesce(p_slug, name));
  IF EXISTS (SELECT FROM former_page_slugs WHERE slug = p_slug AND document_id <> p_document) THEN RETURN false; END IF;
  UPDATE public_pages SET slug = coalesce(p_slug, slug), indexable = coalesce(p_indexable, indexable), live = coalesce(p_live, live)
    WHERE document_id = p_document;
  RETURN true;
EXCEPTION WHEN unique_violation THEN
  RETURN false;
END $$;
REVOKE EXECUTE ON FUNCTION app.set_public_page(uuid, text, boolean, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.set_public_page(uuid, text, boolean, boolean) TO app_readwrite, app_service, app_admin;
