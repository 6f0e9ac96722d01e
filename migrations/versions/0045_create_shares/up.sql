-- Shares of documents: for people (grantee_id, or email until an account has proved it), and links (token_hash). A link without
-- a document is for all of a workspace, or those with a tag or in a category and the categories in it; it only reads.
-- objects: c7a52fc0a62d7e7a
CREATE TABLE shares (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), document_id uuid, workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  tag_id uuid REFERENCES tags ON DELETE CASCADE, category_id uuid REFERENCES categories ON DELETE CASCADE,
  grantee_id uuid REFERENCES users ON DELETE CASCADE, email text CHECK (length(email) BETWEEN 3 AND 320),
  token_hash bytea UNIQUE CHECK (octet_length(token_hash) = 32),
  name text CHECK (length(name) BETWEEN 1 AND 100), password_hash text,
  has_password boolean NOT NULL GENERATED ALWAYS AS (password_hash IS NOT NULL) STORED,
  -- Another one ends everything that was opened with an earlier password.
  opening_id uuid NOT NULL DEFAULT gen_random_uuid(),
  permission share_permission NOT NULL DEFAULT 'read', expires_at timestamptz, max_uses integer CHECK (max_uses > 0),
  access_count bigint NOT NULL DEFAULT 0, last_accessed_at timestamptz,
  created_by uuid DEFAULT app.user_id() REFERENCES users ON DELETE SET NULL,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  -- Set by the server soon after expires_at, so that triggers announce the end. Rights end at expires_at.
  expired boolean NOT NULL DEFAULT false,
  CHECK ((token_hash IS NULL) = (grantee_id IS NOT NULL OR email IS NOT NULL)),
  CHECK (token_hash IS NULL OR permission < 'admin'),
  CHECK (token_hash IS NOT NULL OR (password_hash IS NULL AND max_uses IS NULL)),
  CHECK (num_nonnulls(document_id, tag_id, category_id) <= 1),
  CHECK (document_id IS NOT NULL OR (token_hash IS NOT NULL AND permission = 'read')),
  FOREIGN KEY (document_id, workspace_id) REFERENCES documents (id, workspace_id) ON UPDATE CASCADE ON DELETE CASCADE);
CREATE UNIQUE INDEX shares_grantee ON shares (grantee_id, document_id) WHERE revoked_at IS NULL AND grantee_id IS NOT NULL;
CREATE UNIQUE INDEX shares_email ON shares (lower(email), document_id) WHERE revoked_at IS NULL AND grantee_id IS NULL AND email IS NOT NULL;
CREATE INDEX shares_grantee_all ON shares (grantee_id) WHERE grantee_id IS NOT NULL;
CREATE INDEX shares_document ON shares (document_id, created_at);
CREATE INDEX shares_tag ON shares (tag_id) WHERE tag_id IS NOT NULL;
CREATE INDEX shares_category ON shares (category_id) WHERE category_id IS NOT NULL;
CREATE INDEX shares_workspace ON shares (workspace_id, created_at);
CREATE INDEX shares_created_by ON shares (created_by) WHERE created_by IS NOT NULL;
CREATE INDEX shares_opening ON shares (opening_id);
CREATE INDEX shares_expiry ON shares (expires_at) WHERE expires_at IS NOT NULL AND NOT expired AND revoked_at IS NULL;

-- Uses of links by sockets. client: hash of the address, the program and the device. ended_at: NULL while the socket is open.
CREATE TABLE share_openings (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), share_id uuid NOT NULL REFERENCES shares ON DELETE CASCADE,
  client bytea NOT NULL CHECK (octet_length(client) = 32), opened_at timestamptz NOT NULL DEFAULT now(), ended_at timestamptz);
CREATE INDEX share_openings_client ON share_openings (share_id, client);

-- What people ask for who may not open a document, or want more.
CREATE TABLE access_requests (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), document_id uuid NOT NULL, workspace_id uuid NOT NULL,
  user_id uuid NOT NULL DEFAULT app.user_id() REFERENCES users ON DELETE CASCADE,
  permission share_permission NOT NULL CHECK (permission < 'admin'), message text CHECK (length(message) BETWEEN 1 AND 1000),
  created_at timestamptz NOT NULL DEFAULT now(),
  decided_at timestamptz, decided_by uuid REFERENCES users ON DELETE SET NULL, granted share_permission,
  FOREIGN KEY (document_id, workspace_id) REFERENCES documents (id, workspace_id) ON UPDATE CASCADE ON DELETE CASCADE);
CREATE UNIQUE INDEX access_requests_open ON access_requests (document_id, user_id) WHERE decided_at IS NULL;
CREATE INDEX access_requests_document ON access_requests (document_id, created_at);
CREATE INDEX access_requests_user ON access_requests (user_id);
CREATE INDEX access_requests_decided_by ON access_requests (decided_by) WHERE decided_by IS NOT NULL;

ALTER TABLE shares ENABLE ROW LEVEL SECURITY;
ALTER TABLE share_openings ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_requests ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON shares, share_openings, access_requests TO app_service, app_admin;
GRANT SELECT (id, document_id, workspace_id, tag_id, category_id, grantee_id, email, name, has_password, permission, expires_at, max_uses, access_count,
  last_accessed_at, created_by, created_at, updated_at, revoked_at, expired) ON shares TO app_readonly, app_readwrite;
GRANT INSERT (document_id, workspace_id, tag_id, category_id, grantee_id, email, token_hash, name, password_hash, permission, expires_at, max_uses),
  UPDATE (name, password_hash, permission, expires_at, max_uses, revoked_at) ON shares TO app_readwrite;
GRANT SELECT ON access_requests TO app_readonly, app_readwrite;

ALTER TABLE notifications DROP CONSTRAINT notifications_kind_check, ADD CONSTRAINT notifications_kind_check
  CHECK (kind IN ('mention', 'reply', 'comment', 'reaction', 'resolved', 'membership', 'invitation', 'role', 'document_changed',
                  'storage', 'share', 'access_request'));

-- The object has another signature.
DROP FUNCTION IF EXISTS app.document_permissions_for(uuid[], uuid[], text);
