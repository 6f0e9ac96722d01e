-- no transaction
-- Index of documents that wait for an automatic version.
-- objects: f9abf46e27c69859
DROP INDEX CONCURRENTLY IF EXISTS document_heads_unversioned;
CREATE INDEX CONCURRENTLY document_heads_unversioned ON document_heads (unversioned_since) WHERE unversioned_since IS NOT NULL;
