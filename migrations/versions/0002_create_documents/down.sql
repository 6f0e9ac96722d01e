DROP FUNCTION app.document_permission(uuid);
DROP TABLE documents;
DROP FUNCTION app.documents_before();
DROP TYPE document_type, share_permission;
