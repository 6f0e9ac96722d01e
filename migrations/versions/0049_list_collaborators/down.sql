DROP FUNCTION IF EXISTS app.document_readers(uuid);
DROP VIEW IF EXISTS document_collaborators;
