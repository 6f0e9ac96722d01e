-- no transaction
DROP INDEX CONCURRENTLY IF EXISTS sign_in_links_email;
DROP INDEX CONCURRENTLY IF EXISTS access_tokens_parent;
DROP INDEX CONCURRENTLY IF EXISTS access_tokens_parent_session;
