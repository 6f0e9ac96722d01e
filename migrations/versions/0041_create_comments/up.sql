-- Comments on documents: threads, mentions, reactions and earlier texts.
-- objects: 983cd4a146e094cf
CREATE TABLE comments (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), document_id uuid NOT NULL, workspace_id uuid NOT NULL,
  parent_id uuid, thread_id uuid NOT NULL, depth integer NOT NULL DEFAULT 0 CHECK (depth BETWEEN 0 AND 20),
  -- A guest, or a user of an embedding application, has no account: a name only.
  author_id uuid DEFAULT app.user_id() REFERENCES users ON DELETE SET NULL,
  author_kind text NOT NULL DEFAULT 'user' CHECK (author_kind IN ('user', 'api_client', 'guest', 'app_user')),
  author_name text CHECK (length(author_name) BETWEEN 1 AND 200),
  content text NOT NULL CHECK (length(trim(content)) > 0 AND octet_length(content) <= 65536),
  content_html text NOT NULL,
  -- Mentions of nobody who reads the document, as they were written.
  unreachable text[] NOT NULL DEFAULT '{}',
  -- yjs_anchor: the characters that the thread is about, see core/anchors. position: where they are, {"start", "end"} in
  -- UTF-16 units of the content, after the log's row anchor_seq of generation anchor_generation. NULL: they are gone.
  yjs_anchor bytea CHECK (octet_length(yjs_anchor) <= 1048576), anchor_text text, position jsonb,
  anchor_generation bigint, anchor_seq bigint,
  resolved boolean NOT NULL DEFAULT false, resolved_by uuid REFERENCES users ON DELETE SET NULL, resolved_at timestamptz,
  edited boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz,
  row_version bigint NOT NULL DEFAULT 1,
  UNIQUE (id, document_id),
  CHECK (num_nulls(yjs_anchor, anchor_text, anchor_generation, anchor_seq) IN (0, 4)),
  CHECK (parent_id IS NULL OR yjs_anchor IS NULL),
  FOREIGN KEY (document_id, workspace_id) REFERENCES documents (id, workspace_id) ON UPDATE CASCADE ON DELETE CASCADE,
  FOREIGN KEY (parent_id, document_id) REFERENCES comments (id, document_id) ON DELETE SET NULL (parent_id));
CREATE INDEX comments_document ON comments (document_id, created_at, id);
CREATE INDEX comments_thread ON comments (thread_id, created_at, id);
CREATE INDEX comments_parent ON comments (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX comments_author ON comments (author_id) WHERE author_id IS NOT NULL;
CREATE INDEX comments_resolved_by ON comments (resolved_by) WHERE resolved_by IS NOT NULL;
CREATE INDEX comments_workspace ON comments (workspace_id);
CREATE INDEX comments_open ON comments (document_id) WHERE parent_id IS NULL AND NOT resolved AND deleted_at IS NULL;

CREATE TABLE comment_mentions (
  comment_id uuid REFERENCES comments ON DELETE CASCADE, user_id uuid REFERENCES users ON DELETE CASCADE,
  PRIMARY KEY (comment_id, user_id));
CREATE INDEX comment_mentions_user ON comment_mentions (user_id);

-- Rows: two people who react at once both count.
CREATE TABLE comment_reactions (
  comment_id uuid REFERENCES comments ON DELETE CASCADE,
  user_id uuid DEFAULT app.user_id() REFERENCES users ON DELETE CASCADE,
  emoji text CHECK (length(emoji) BETWEEN 1 AND 32), created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (comment_id, user_id, emoji));
CREATE INDEX comment_reactions_user ON comment_reactions (user_id);

CREATE TABLE comment_edits (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, comment_id uuid NOT NULL REFERENCES comments ON DELETE CASCADE,
  old_content text NOT NULL, edited_by uuid REFERENCES users ON DELETE SET NULL,
  edited_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX comment_edits_comment ON comment_edits (comment_id, id);
CREATE INDEX comment_edits_edited_by ON comment_edits (edited_by) WHERE edited_by IS NOT NULL;

ALTER TABLE comments ENABLE ROW LEVEL SECURITY;
ALTER TABLE comment_mentions ENABLE ROW LEVEL SECURITY;
ALTER TABLE comment_reactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE comment_edits ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON comments, comment_mentions, comment_reactions, comment_edits
  TO app_service, app_admin;
GRANT SELECT ON comments, comment_mentions, comment_reactions, comment_edits TO app_readonly, app_readwrite;
GRANT INSERT, UPDATE (content, content_html, unreachable, yjs_anchor, anchor_text, position, anchor_generation, anchor_seq, resolved,
                      deleted_at) ON comments TO app_readwrite;
GRANT INSERT, DELETE ON comment_mentions, comment_reactions TO app_readwrite;
