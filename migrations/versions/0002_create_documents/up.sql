-- Documents: attributes, and the stored projection of the content.

CREATE TYPE document_type AS ENUM
  ('markdown', 'mindmap', 'presentation', 'mixed', 'note', 'bookmark', 'task', 'contact', 'password', 'file');
CREATE TYPE share_permission AS ENUM ('read', 'comment', 'write', 'admin');  -- ascending: p >= 'comment'

-- No generated columns: any BEFORE UPDATE trigger would compute all of them anew at every UPDATE.
CREATE TABLE documents (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  name text CHECK (length(name) BETWEEN 1 AND 500),  -- its address within the workspace
  category_id uuid, title text NOT NULL CHECK (length(trim(title)) BETWEEN 1 AND 500), description text,
  type document_type NOT NULL DEFAULT 'markdown',
  status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active', 'published', 'archived')),
  priority text NOT NULL DEFAULT 'normal' CHECK (priority IN ('low', 'normal', 'high')),
  language text NOT NULL DEFAULT 'english',  -- a text search configuration; a regconfig column would block pg_upgrade
  generation bigint NOT NULL DEFAULT 0,      -- raised when the state is replaced instead of edited
  -- The projection of the CRDT, written by compaction in one UPDATE with yjs_state. Bytes, not characters.
  content text NOT NULL DEFAULT '' CHECK (octet_length(content) <= 10485760),
  content_truncated boolean NOT NULL DEFAULT false,  -- the text is longer than the projection may be
  content_hash text NOT NULL DEFAULT '', content_bytes integer NOT NULL DEFAULT 0, word_count integer,
  -- A full update (v1), not a state vector. Twice the largest document that the server accepts: a fold must never fail.
  yjs_state bytea CHECK (octet_length(yjs_state) <= 134217728),
  yjs_state_vector bytea, yjs_clock bigint NOT NULL DEFAULT 0,  -- the last document_updates.seq that yjs_state contains
  content_encrypted bytea, encryption jsonb,  -- end-to-end encrypted: opaque here, never merged or indexed
  metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  settings jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
  is_public boolean NOT NULL DEFAULT false, is_template boolean NOT NULL DEFAULT false,
  template_id uuid REFERENCES documents ON DELETE SET NULL,
  row_version bigint NOT NULL DEFAULT 1,  -- optimistic locking of edits to this row (If-Match)
  created_by uuid DEFAULT app.user_id() REFERENCES users ON DELETE SET NULL,
  updated_by uuid REFERENCES users ON DELETE SET NULL, deleted_by uuid REFERENCES users ON DELETE SET NULL,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  last_edited_at timestamptz, published_at timestamptz, expires_at timestamptz,
  deleted_at timestamptz,  -- the tombstone itself: no second flag that could disagree
  UNIQUE (id, workspace_id),  -- children refer to both, so that a tenant check is one column and no join
  CHECK (type <> 'password' OR (content = '' AND yjs_state IS NULL)),
  CHECK (content_encrypted IS NULL OR encryption IS NOT NULL))
  WITH (fillfactor = 85);  -- compaction that leaves the text alone touches no indexed column and stays HOT
CREATE UNIQUE INDEX documents_name_key ON documents (workspace_id, name) WHERE name IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX documents_ws_updated ON documents (workspace_id, updated_at DESC, id);
CREATE INDEX documents_created_by ON documents (created_by);
CREATE INDEX documents_updated_by ON documents (updated_by);
CREATE INDEX documents_deleted_by ON documents (deleted_by) WHERE deleted_by IS NOT NULL;
CREATE INDEX documents_template ON documents (template_id) WHERE template_id IS NOT NULL;
CREATE INDEX documents_deleted_at ON documents (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX documents_expires ON documents (expires_at) WHERE expires_at IS NOT NULL;
DO $$ BEGIN
  ALTER TABLE documents ALTER yjs_state SET COMPRESSION lz4, ALTER content SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
  NULL;  -- this server was built without lz4
END $$;

-- What the caller may do with a document, in one round trip: NULL, 'read', 'comment', 'write' or 'admin'.
CREATE FUNCTION app.document_permission(p_document uuid) RETURNS share_permission
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT CASE WHEN d.workspace_id = ANY (app.workspace_ids('can_delete_documents')) THEN 'admin'
              WHEN d.workspace_id = ANY (app.workspace_ids('can_edit_documents')) THEN 'write'
              WHEN d.workspace_id = ANY (app.workspace_ids('can_comment')) THEN 'comment'
              WHEN d.workspace_id = ANY (app.workspace_ids('can_read')) OR d.is_public THEN 'read' END::share_permission
  FROM documents d WHERE d.id = p_document AND d.deleted_at IS NULL $$;

-- Hash and size follow the text; row_version and updated_at move for a real change only.
CREATE FUNCTION app.documents_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' OR NEW.content IS DISTINCT FROM OLD.content THEN
    NEW.content_hash := encode(sha256(convert_to(NEW.content, 'UTF8')), 'hex');  -- content::bytea fails on backslashes
    NEW.content_bytes := octet_length(NEW.content);
    IF TG_OP = 'UPDATE' THEN NEW.last_edited_at := now(); END IF;
  END IF;
  IF TG_OP = 'INSERT' THEN RETURN NEW; END IF;
  IF current_user = 'app_readwrite'
     AND (NEW.deleted_at, NEW.is_public) IS DISTINCT FROM (OLD.deleted_at, OLD.is_public)
     AND (OLD.created_by = app.user_id()) IS NOT TRUE
     AND NOT OLD.workspace_id = ANY (app.workspace_ids('can_delete_documents')) THEN
    RAISE EXCEPTION 'deleting or publishing needs can_delete_documents or authorship'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF (NEW.content_hash, NEW.name, NEW.title, NEW.description, NEW.type, NEW.status, NEW.priority, NEW.language,
      NEW.generation, NEW.metadata, NEW.settings, NEW.category_id, NEW.workspace_id, NEW.is_public, NEW.is_template,
      NEW.content_encrypted, NEW.published_at, NEW.expires_at, NEW.deleted_at)
     IS DISTINCT FROM
     (OLD.content_hash, OLD.name, OLD.title, OLD.description, OLD.type, OLD.status, OLD.priority, OLD.language,
      OLD.generation, OLD.metadata, OLD.settings, OLD.category_id, OLD.workspace_id, OLD.is_public, OLD.is_template,
      OLD.content_encrypted, OLD.published_at, OLD.expires_at, OLD.deleted_at) THEN
    NEW.updated_at := now();
    NEW.row_version := OLD.row_version + 1;
    NEW.updated_by := coalesce(app.user_id(), NEW.updated_by);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER documents_ins BEFORE INSERT ON documents FOR EACH ROW EXECUTE FUNCTION app.documents_before();
CREATE TRIGGER documents_upd BEFORE UPDATE OF content, name, title, description, type, status, priority, language,
  generation, metadata, settings, category_id, workspace_id, is_public, is_template, content_encrypted, published_at,
  expires_at, deleted_at ON documents FOR EACH ROW EXECUTE FUNCTION app.documents_before();

ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON documents TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY doc_read ON documents FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]) OR (is_public AND deleted_at IS NULL));
CREATE POLICY doc_create ON documents FOR INSERT TO app_readwrite
  WITH CHECK (workspace_id = ANY ((SELECT app.workspace_ids('can_create_documents'))::uuid[])
              AND created_by IS NOT DISTINCT FROM (SELECT app.user_id()));  -- guests have no row in users
CREATE POLICY doc_update ON documents FOR UPDATE TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]));
CREATE POLICY doc_delete ON documents FOR DELETE TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_delete_documents'))::uuid[]));

-- People write neither content nor state: an edit goes through the CRDT, or the next compaction would undo it.
-- Nor workspace_id: a document is moved by a function that checks both ends.
GRANT SELECT, INSERT, UPDATE, DELETE ON documents TO app_service, app_admin;
GRANT SELECT ON documents TO app_readonly, app_readwrite;
GRANT INSERT (id, workspace_id, name, category_id, title, description, type, status, priority, language, metadata,
    settings, is_public, is_template, template_id, content_encrypted, encryption, created_by, expires_at),
  UPDATE (category_id, title, description, type, status, priority, language, metadata, settings, is_public,
    is_template, content_encrypted, encryption, published_at, expires_at, deleted_at, deleted_by),
  DELETE ON documents TO app_readwrite;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA app TO app_service, app_admin;
GRANT EXECUTE ON FUNCTION app.document_permission(uuid) TO app_readonly, app_readwrite;
