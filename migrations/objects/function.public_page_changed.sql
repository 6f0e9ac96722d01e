-- Former slugs, of which a page keeps the last 20, and the entries of the feed and of the audit.
CREATE OR REPLACE FUNCTION app.public_page_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE d record;
BEGIN
  IF (NEW.slug, NEW.indexable, NEW.live, NEW.published_at) IS NOT DISTINCT FROM (OLD.slug, OLD.indexable, OLD.live, OLD.published_at)
    THEN RETURN NEW; END IF;
  NEW.row_version := OLD.row_version + 1;
  NEW.updated_at := now();
  IF NEW.slug <> OLD.slug THEN
    DELETE FROM former_page_slugs WHERE slug = NEW.slug;
    -- Until it was public, nobody could know the slug.
    IF OLD.published_at IS NOT NULL THEN
      INSERT INTO former_page_slugs (slug, document_id) VALUES (OLD.slug, NEW.document_id)
        ON CONFLICT (slug) DO UPDATE SET document_id = EXCLUDED.document_id, created_at = now();
    END IF;
    DELETE FROM former_page_slugs WHERE document_id = NEW.document_id AND slug NOT IN (
      SELECT slug FROM former_page_slugs WHERE document_id = NEW.document_id ORDER BY created_at DESC, slug LIMIT 20);
  END IF;
  IF (NEW.slug, NEW.indexable, NEW.live) IS DISTINCT FROM (OLD.slug, OLD.indexable, OLD.live) THEN
    SELECT workspace_id, row_version INTO d FROM documents WHERE id = NEW.document_id;
    PERFORM app.record_change(d.workspace_id, 'document', NEW.document_id, NEW.document_id, 'update', ARRAY['public_page'], NULL,
                              d.row_version);
    PERFORM app.log_change('document', NEW.document_id::text, d.workspace_id,
      jsonb_build_object('page_slug', OLD.slug, 'page_indexable', OLD.indexable, 'page_live', OLD.live),
      jsonb_build_object('page_slug', NEW.slug, 'page_indexable', NEW.indexable, 'page_live', NEW.live),
      ARRAY['page_slug', 'page_indexable', 'page_live']);
  END IF;
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION app.public_page_changed() FROM PUBLIC;
