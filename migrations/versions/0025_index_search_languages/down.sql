-- no transaction
DROP INDEX CONCURRENTLY IF EXISTS document_search_language;
CREATE INDEX CONCURRENTLY document_search_language ON document_search (language);
DROP INDEX CONCURRENTLY IF EXISTS document_search_language_workspace;
