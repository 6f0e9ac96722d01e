-- Files of documents. Their bytes are in the file store (adapters/object_store.py), one object for the same bytes in a workspace.
CREATE TABLE attachments (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), document_id uuid NOT NULL, workspace_id uuid NOT NULL,
  file_name text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 500),
  original_name text NOT NULL CHECK (length(original_name) <= 500),
  content_type text NOT NULL CHECK (length(content_type) <= 100),
  size_bytes bigint NOT NULL CHECK (size_bytes >= 0), checksum_sha256 bytea NOT NULL CHECK (octet_length(checksum_sha256) = 32),
  s3_bucket text NOT NULL CHECK (length(s3_bucket) <= 255), s3_key text NOT NULL CHECK (length(s3_key) <= 1000), s3_region text,
  metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  -- Thumbnails. attempts: begun; claimed_at: of the last one.
  processing_status text NOT NULL DEFAULT 'pending' CHECK (processing_status IN ('pending', 'processing', 'complete', 'failed')),
  attempts integer NOT NULL DEFAULT 0, claimed_at timestamptz, thumbnail_s3_key text, thumbnail_url text,
  uploaded_by uuid DEFAULT app.user_id() REFERENCES users ON DELETE SET NULL,
  idempotency_key text CHECK (length(idempotency_key) BETWEEN 1 AND 200),
  download_count bigint NOT NULL DEFAULT 0, last_accessed_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz,
  row_version bigint NOT NULL DEFAULT 1,
  FOREIGN KEY (document_id, workspace_id) REFERENCES documents (id, workspace_id) ON UPDATE CASCADE ON DELETE CASCADE);
CREATE INDEX attachments_document ON attachments (document_id, created_at, id);
CREATE INDEX attachments_workspace ON attachments (workspace_id, checksum_sha256);
CREATE INDEX attachments_uploader ON attachments (uploaded_by) WHERE uploaded_by IS NOT NULL;
CREATE INDEX attachments_object ON attachments (s3_bucket, s3_key);
CREATE INDEX attachments_todo ON attachments (created_at) WHERE processing_status IN ('pending', 'processing');
CREATE INDEX attachments_deleted ON attachments (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE UNIQUE INDEX attachments_idempotency ON attachments (document_id, idempotency_key, uploaded_by) NULLS NOT DISTINCT
  WHERE idempotency_key IS NOT NULL;

-- Objects that may have no row. A writer notes an object before it writes it, and takes the note off in the transaction that
-- makes the row. holder: number of the process that writes, which holds an advisory lock while it lives; NULL: the row is gone.
CREATE TABLE object_deletions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s3_bucket text NOT NULL, s3_key text NOT NULL, holder integer,
  due_at timestamptz NOT NULL DEFAULT now(), attempts integer NOT NULL DEFAULT 0, last_error text,
  created_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX object_deletions_object ON object_deletions (s3_bucket, s3_key);
CREATE INDEX object_deletions_due ON object_deletions (due_at, id);

-- Files that arrive in parts. parts: keys of the objects with what has come, in order.
CREATE TABLE uploads (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), document_id uuid NOT NULL, workspace_id uuid NOT NULL,
  file_name text NOT NULL CHECK (length(file_name) BETWEEN 1 AND 500), content_type text CHECK (length(content_type) <= 200),
  size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
  received_bytes bigint NOT NULL DEFAULT 0 CHECK (received_bytes BETWEEN 0 AND size_bytes),
  s3_bucket text NOT NULL, parts text[] NOT NULL DEFAULT '{}',
  uploaded_by uuid DEFAULT app.user_id() REFERENCES users ON DELETE CASCADE,
  attachment_id uuid REFERENCES attachments ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz NOT NULL,
  FOREIGN KEY (document_id, workspace_id) REFERENCES documents (id, workspace_id) ON UPDATE CASCADE ON DELETE CASCADE);
CREATE INDEX uploads_document ON uploads (document_id);
CREATE INDEX uploads_workspace ON uploads (workspace_id);
CREATE INDEX uploads_uploader ON uploads (uploaded_by) WHERE uploaded_by IS NOT NULL;
CREATE INDEX uploads_attachment ON uploads (attachment_id) WHERE attachment_id IS NOT NULL;
CREATE INDEX uploads_expires ON uploads (expires_at);

ALTER TABLE attachments ENABLE ROW LEVEL SECURITY;
ALTER TABLE object_deletions ENABLE ROW LEVEL SECURITY;
ALTER TABLE uploads ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON attachments, object_deletions, uploads TO app_service, app_admin;
GRANT SELECT ON attachments TO app_readonly, app_readwrite;
GRANT SELECT, DELETE ON uploads TO app_readwrite;
GRANT UPDATE (file_name, deleted_at) ON attachments TO app_readwrite;
GRANT INSERT (document_id, workspace_id, file_name, content_type, size_bytes, s3_bucket, expires_at) ON uploads TO app_readwrite;

ALTER TABLE notifications DROP CONSTRAINT notifications_kind_check, ADD CONSTRAINT notifications_kind_check
  CHECK (kind IN ('mention', 'reply', 'comment', 'reaction', 'resolved', 'membership', 'invitation', 'role', 'document_changed',
                  'storage'));

-- storage_used_bytes has the attachments, too.
ALTER TABLE workspace_usage ADD attachment_bytes bigint NOT NULL DEFAULT 0;
