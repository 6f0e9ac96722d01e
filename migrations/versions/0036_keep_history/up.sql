-- The history of documents: what a fold takes out of the log is kept, packed, in segments.
-- New objects: function.append_edits, function.fold_into_history, function.add_version, function.version_changed,
-- function.collapse_history, function.thin_versions, triggers.document_versions, policies.document_versions,
-- policies.history_segments. Changed: function.append_rows.

-- The author of a row as JSON, where it is not just the user `actor_id`: guests by name, API clients, relayed edits.
ALTER TABLE document_updates ADD author text;

-- The first fold of edits that no automatic version has, and the time before which no server makes that version.
ALTER TABLE document_heads ADD unversioned_since timestamptz, ADD version_retry_at timestamptz;

CREATE TABLE history_segments (
  document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
  first_seq bigint NOT NULL, last_seq bigint NOT NULL CHECK (last_seq >= first_seq),  -- rows of the log in it
  generation integer NOT NULL,
  first_at timestamptz NOT NULL, last_at timestamptz NOT NULL, row_count integer NOT NULL CHECK (row_count >= 1),
  author text CHECK (octet_length(author) <= 65536),
  payload bytea,  -- compressed; NULL: the rows are the snapshot, by `author`, until the next fold
  is_collapsed boolean NOT NULL DEFAULT false,  -- by retention: one row, by nobody
  created_at timestamptz NOT NULL DEFAULT now(),  -- tells it from an earlier segment of the same rows
  PRIMARY KEY (document_id, last_seq));
ALTER TABLE history_segments ALTER payload SET STORAGE EXTERNAL;  -- PostgreSQL would try to compress it again
ALTER TABLE history_segments ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON history_segments TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY via_document ON history_segments FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = history_segments.document_id));
GRANT SELECT, INSERT, UPDATE, DELETE ON history_segments TO app_service, app_admin;
GRANT SELECT ON history_segments TO app_readwrite, app_readonly;

CREATE TABLE document_versions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
  version_number integer NOT NULL CHECK (version_number >= 1),
  kind text NOT NULL CHECK (kind IN ('auto', 'manual', 'restore', 'import', 'before-deletion')),
  label text CHECK (length(label) BETWEEN 1 AND 200), pinned boolean NOT NULL DEFAULT false,
  title text NOT NULL, content text NOT NULL, content_hash text NOT NULL CHECK (content_hash ~ '^[0-9a-f]{64}$'),
  content_truncated boolean NOT NULL DEFAULT false,
  generation integer NOT NULL, yjs_clock bigint NOT NULL, yjs_snapshot bytea NOT NULL,  -- compressed with zstd
  state_hash bytea NOT NULL,  -- SHA-256 of the update before compression: equal for the same document
  change_description text CHECK (length(change_description) BETWEEN 1 AND 2000), changes_summary jsonb NOT NULL,
  diff_patch text,  -- NULL: too large
  metadata_snapshot jsonb NOT NULL, authors jsonb NOT NULL DEFAULT '[]',
  created_by uuid REFERENCES users ON DELETE SET NULL, created_at timestamptz NOT NULL DEFAULT now(),
  size_bytes bigint NOT NULL CHECK (size_bytes >= 0), UNIQUE (document_id, version_number));
ALTER TABLE document_versions ALTER yjs_snapshot SET STORAGE EXTERNAL;
CREATE INDEX document_versions_author ON document_versions (created_by);
CREATE INDEX document_versions_thinned ON document_versions (document_id, created_at, version_number) INCLUDE (kind, id)
  WHERE label IS NULL AND NOT pinned;
ALTER TABLE document_versions ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON document_versions TO app_service, app_admin;
GRANT SELECT ON document_versions TO app_readwrite, app_readonly;
