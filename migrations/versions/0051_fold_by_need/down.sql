DROP FUNCTION IF EXISTS app.announce_edits;
DROP FUNCTION IF EXISTS app.fold_documents;
