CREATE OR REPLACE TRIGGER documents_ins BEFORE INSERT ON documents FOR EACH ROW EXECUTE FUNCTION app.documents_before();
CREATE OR REPLACE TRIGGER documents_upd BEFORE UPDATE OF content, name, title, description, type, status, priority, language,
  generation, metadata, settings, category_id, workspace_id, is_public, is_template, content_encrypted, published_at,
  expires_at, deleted_at ON documents FOR EACH ROW EXECUTE FUNCTION app.documents_before();
CREATE OR REPLACE TRIGGER documents_10_heads AFTER INSERT ON documents
  FOR EACH ROW EXECUTE FUNCTION app.documents_after_insert();
CREATE OR REPLACE TRIGGER documents_30_search AFTER INSERT OR UPDATE OF title, description, content, language, content_encrypted,
  deleted_at, row_version ON documents FOR EACH ROW EXECUTE FUNCTION app.search_enqueue();
CREATE OR REPLACE TRIGGER access_upd AFTER UPDATE OF deleted_at, workspace_id, is_public, generation, settings, type ON documents
  FOR EACH ROW
  WHEN ((OLD.deleted_at IS NULL, OLD.workspace_id, OLD.is_public, OLD.generation, OLD.settings -> 'collaboration',
         OLD.type) IS DISTINCT FROM
        (NEW.deleted_at IS NULL, NEW.workspace_id, NEW.is_public, NEW.generation, NEW.settings -> 'collaboration',
         NEW.type))
  EXECUTE FUNCTION app.access_changed('document', 'id');
CREATE OR REPLACE TRIGGER documents_20_generation AFTER UPDATE OF generation ON documents FOR EACH ROW
  WHEN (OLD.generation <> NEW.generation) EXECUTE FUNCTION app.generation_changed();
CREATE OR REPLACE TRIGGER access_del AFTER DELETE ON documents
  FOR EACH ROW EXECUTE FUNCTION app.access_changed('document', 'id');
CREATE OR REPLACE TRIGGER audit AFTER INSERT OR DELETE OR UPDATE OF title, name, description, type, status, priority, language,
  metadata, settings, category_id, workspace_id, is_public, is_template, published_at, expires_at, deleted_at
  ON documents FOR EACH ROW EXECUTE FUNCTION app.audit_document();
CREATE OR REPLACE TRIGGER feed AFTER INSERT OR DELETE OR UPDATE OF name, title, description, type, status, priority, language,
  generation, metadata, settings, category_id, workspace_id, is_public, is_template, content_encrypted, published_at,
  expires_at, deleted_at, row_version ON documents FOR EACH ROW EXECUTE FUNCTION app.document_changed();
-- At the commit: a creation holds the lock on its workspace's counters no longer than that takes.
DROP TRIGGER IF EXISTS storage ON documents;
CREATE CONSTRAINT TRIGGER storage AFTER INSERT OR DELETE OR UPDATE OF yjs_state, content, content_encrypted,
  workspace_id, history_bytes ON documents DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.count_storage();
-- Named to run before documents_ins and documents_upd, which compare what was with what will be.
CREATE OR REPLACE TRIGGER documents_composed BEFORE INSERT OR UPDATE OF name, title ON documents
  FOR EACH ROW EXECUTE FUNCTION app.documents_composed();
CREATE OR REPLACE TRIGGER documents_40_edits AFTER UPDATE OF title, name, description, type, status, priority, language, metadata,
  settings, category_id, is_template, is_public, expires_at, workspace_id,
  deleted_at ON documents
  FOR EACH ROW EXECUTE FUNCTION app.note_edits();
CREATE OR REPLACE TRIGGER expiry_ins AFTER INSERT ON documents FOR EACH ROW WHEN (NEW.expires_at IS NOT NULL)
  EXECUTE FUNCTION app.access_changed('document', 'id');
CREATE OR REPLACE TRIGGER expiry_upd AFTER UPDATE OF expires_at ON documents FOR EACH ROW
  WHEN (OLD.expires_at IS DISTINCT FROM NEW.expires_at AND NEW.expires_at IS NOT NULL)
  EXECUTE FUNCTION app.access_changed('document', 'id');
CREATE OR REPLACE TRIGGER notify_edits AFTER UPDATE OF yjs_clock ON documents FOR EACH ROW
  WHEN (NEW.yjs_clock > OLD.yjs_clock AND NEW.deleted_at IS NULL) EXECUTE FUNCTION app.notify_edits('log');
CREATE OR REPLACE TRIGGER notify_encrypted AFTER UPDATE OF content_encrypted ON documents FOR EACH ROW
  WHEN (NEW.content_encrypted IS DISTINCT FROM OLD.content_encrypted AND NEW.content_encrypted IS NOT NULL
        AND NEW.deleted_at IS NULL) EXECUTE FUNCTION app.notify_edits('encrypted');
CREATE OR REPLACE TRIGGER link_category AFTER UPDATE OF category_id ON documents FOR EACH ROW
  WHEN (OLD.category_id IS DISTINCT FROM NEW.category_id) EXECUTE FUNCTION app.link_category_changed();
CREATE OR REPLACE TRIGGER documents_50_public AFTER INSERT OR UPDATE OF is_public ON documents FOR EACH ROW
  WHEN (NEW.is_public AND NEW.type <> 'password') EXECUTE FUNCTION app.document_published();
CREATE OR REPLACE TRIGGER documents_60_texts AFTER UPDATE OF language ON documents FOR EACH ROW
  WHEN (OLD.language IS DISTINCT FROM NEW.language) EXECUTE FUNCTION app.document_texts_due();
