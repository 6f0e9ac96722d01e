-- no transaction
DROP INDEX CONCURRENTLY IF EXISTS document_heads_unversioned;
