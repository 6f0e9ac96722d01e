-- Gives a document a page with a slug of its title: as it is, with a number, or with a part of a hash where many are alike.
CREATE OR REPLACE FUNCTION app.add_public_page(p_document uuid, p_title text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE base text := app.slugify(p_title); candidate text := base; attempt integer := 1;
BEGIN
  LOOP
    IF NOT EXISTS (SELECT FROM former_page_slugs WHERE slug = candidate AND document_id <> p_document) THEN
      INSERT INTO public_pages (document_id, slug) VALUES (p_document, candidate) ON CONFLICT DO NOTHING;
    END IF;
    EXIT WHEN EXISTS (SELECT FROM public_pages WHERE document_id = p_document);
    attempt := attempt + 1;
    candidate := base || '-' || CASE WHEN attempt < 10 THEN attempt::text ELSE left(md5(p_document::text || attempt), 8) END;
  END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION app.add_public_page(uuid, text) FROM PUBLIC;
