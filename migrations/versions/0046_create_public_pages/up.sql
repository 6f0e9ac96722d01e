-- Pages of public documents at /p/<slug>.
-- objects: 91d9739b4fee2d4d
-- New objects: function.add_public_page, function.document_published, function.set_public_page, function.public_page_changed,
-- triggers.public_pages, policies.public_pages, policies.former_page_slugs. Changed: triggers.documents.

-- A document has a row since it was public for the first time, or since its page was set up. published_at: of the last time.
CREATE TABLE public_pages (
  document_id uuid PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
  slug text NOT NULL UNIQUE CHECK (length(slug) BETWEEN 1 AND 100 AND slug !~ '[[:space:]/?#%]'),
  indexable boolean NOT NULL DEFAULT false, live boolean NOT NULL DEFAULT false,
  published_at timestamptz, updated_at timestamptz NOT NULL DEFAULT now(), row_version bigint NOT NULL DEFAULT 1);
CREATE INDEX public_pages_indexable ON public_pages (published_at DESC) WHERE indexable;

-- Slugs that pages had before: they lead to the present one, and no other page may have them.
CREATE TABLE former_page_slugs (
  slug text PRIMARY KEY, document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX former_page_slugs_document ON former_page_slugs (document_id, created_at);

ALTER TABLE public_pages ENABLE ROW LEVEL SECURITY;
ALTER TABLE former_page_slugs ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON public_pages, former_page_slugs TO app_service, app_admin;
GRANT SELECT ON public_pages TO app_readonly, app_readwrite;

-- Documents that are public already. The part of the id keeps their slugs apart.
INSERT INTO public_pages (document_id, slug, published_at)
SELECT id, trim(both '-' FROM left(regexp_replace(lower(title), '[^[:alnum:]]+', '-', 'g'), 80) || '-' || left(id::text, 8)),
       coalesce(published_at, updated_at)
FROM documents WHERE is_public AND type <> 'password' ON CONFLICT DO NOTHING;

ALTER TABLE document_renders DROP CONSTRAINT document_renders_format_check, ADD CONSTRAINT document_renders_format_check
  CHECK (format IN ('html', 'text', 'page'));
