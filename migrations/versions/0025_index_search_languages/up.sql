-- no transaction
-- An index for the languages of a workspace's documents.
DROP INDEX CONCURRENTLY IF EXISTS document_search_language_workspace;
CREATE INDEX CONCURRENTLY document_search_language_workspace ON document_search (language, workspace_id);
DROP INDEX CONCURRENTLY IF EXISTS document_search_language;
