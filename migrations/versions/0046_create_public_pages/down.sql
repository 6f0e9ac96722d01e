DROP TRIGGER IF EXISTS documents_50_public ON documents;
DELETE FROM document_renders WHERE format = 'page';
ALTER TABLE document_renders DROP CONSTRAINT document_renders_format_check, ADD CONSTRAINT document_renders_format_check
  CHECK (format IN ('html', 'text'));
DROP TABLE former_page_slugs;
DROP TABLE public_pages;
DROP FUNCTION IF EXISTS app.document_published, app.set_public_page, app.add_public_page, app.public_page_changed;
