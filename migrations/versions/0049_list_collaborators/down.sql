DROP VIEW IF EXISTS document_collaborators;
