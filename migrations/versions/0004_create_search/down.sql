-- The extensions stay. Other schemas may use them.
DROP INDEX IF EXISTS documents_title_trgm;
DROP TRIGGER documents_30_search ON documents;
DROP FUNCTION app.refresh_search(integer), app.search_enqueue(),
  app.build_tsv(regconfig, text, text, text, text), app.fts_text(text), app.fts_config(text);
DROP TABLE search_queue, document_search;
