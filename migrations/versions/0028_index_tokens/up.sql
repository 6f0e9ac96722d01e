-- no transaction
-- Indexes of sign-in links by email address, and of tokens by their parent.
DROP INDEX CONCURRENTLY IF EXISTS sign_in_links_email;
CREATE INDEX CONCURRENTLY sign_in_links_email ON sign_in_links (lower(email)) WHERE email IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS access_tokens_parent;
CREATE INDEX CONCURRENTLY access_tokens_parent ON access_tokens (parent_token_id) WHERE parent_token_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS access_tokens_parent_session;
CREATE INDEX CONCURRENTLY access_tokens_parent_session ON access_tokens (parent_session_id) WHERE parent_session_id IS NOT NULL;
