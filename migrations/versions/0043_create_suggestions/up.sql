-- Suggested changes of documents. They are stored apart from the document until somebody accepts them.
-- objects: a32a8063fe0e110a
CREATE TABLE suggestions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), document_id uuid NOT NULL, workspace_id uuid NOT NULL,
  -- A guest, or a user of an embedding application, has no account.
  author_id uuid DEFAULT app.user_id() REFERENCES users ON DELETE SET NULL,
  author_kind text NOT NULL DEFAULT 'user' CHECK (author_kind IN ('user', 'api_client', 'guest', 'app_user')),
  author_name text CHECK (length(author_name) BETWEEN 1 AND 200),
  message text CHECK (length(trim(message)) > 0 AND length(message) <= 10000),
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'accepted', 'rejected', 'stale')),
  -- The changes, and the Yjs ids of the characters that they refer to, in this generation of the document. See core/suggestions.
  hunks jsonb NOT NULL CHECK (jsonb_array_length(hunks) BETWEEN 1 AND 1000), generation bigint NOT NULL,
  -- Numbers of hunks. stale: those that did not fit the document when it was last looked at.
  accepted integer[] NOT NULL DEFAULT '{}', rejected integer[] NOT NULL DEFAULT '{}', stale integer[] NOT NULL DEFAULT '{}',
  -- The hunks that an edit on its way to the log accepts.
  pending integer[],
  decided_by uuid REFERENCES users ON DELETE SET NULL, decided_at timestamptz, seq bigint,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  row_version bigint NOT NULL DEFAULT 1,
  FOREIGN KEY (document_id, workspace_id) REFERENCES documents (id, workspace_id) ON UPDATE CASCADE ON DELETE CASCADE);
CREATE INDEX suggestions_document ON suggestions (document_id, created_at, id);
CREATE INDEX suggestions_author ON suggestions (author_id) WHERE author_id IS NOT NULL;
CREATE INDEX suggestions_decided_by ON suggestions (decided_by) WHERE decided_by IS NOT NULL;
CREATE INDEX suggestions_workspace ON suggestions (workspace_id);
ALTER TABLE suggestions ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON suggestions TO app_service, app_admin;
GRANT SELECT ON suggestions TO app_readonly, app_readwrite;
GRANT INSERT (id, document_id, workspace_id, author_id, author_kind, author_name, message, hunks, generation),
      UPDATE (message, hunks, generation, rejected, stale, decided_by), DELETE ON suggestions TO app_readwrite;
