-- Apart from the generic one, as a document's whole row is content and state. Content is told of by the log: below.
CREATE OR REPLACE FUNCTION app.document_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE fields text[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM app.record_change(NEW.workspace_id, 'document', NEW.id, NEW.id, 'create', NULL, NEW.content_hash,
                              NEW.row_version);
    RETURN NULL;
  ELSIF TG_OP = 'DELETE' THEN
    -- What was in the trash is told of already; what goes with its workspace is not told one by one.
    IF OLD.deleted_at IS NULL AND EXISTS (SELECT FROM workspaces WHERE id = OLD.workspace_id) THEN
      PERFORM app.record_change(OLD.workspace_id, 'document', OLD.id, OLD.id, 'delete', NULL, NULL, OLD.row_version);
    END IF;
    RETURN NULL;
  END IF;
  IF NEW.row_version = OLD.row_version THEN RETURN NULL; END IF;
  IF NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NOT NULL THEN RETURN NULL; END IF;
  fields := array_remove(ARRAY[
    CASE WHEN NEW.name IS DISTINCT FROM OLD.name THEN 'name' END,
    CASE WHEN NEW.title <> OLD.title THEN 'title' END,
    CASE WHEN NEW.description IS DISTINCT FROM OLD.description THEN 'description' END,
    CASE WHEN NEW.type <> OLD.type THEN 'type' END,
    CASE WHEN NEW.status <> OLD.status THEN 'status' END,
    CASE WHEN NEW.priority <> OLD.priority THEN 'priority' END,
    CASE WHEN NEW.language <> OLD.language THEN 'language' END,
    CASE WHEN NEW.generation <> OLD.generation THEN 'generation' END,
    CASE WHEN NEW.metadata <> OLD.metadata THEN 'metadata' END,
    CASE WHEN NEW.settings <> OLD.settings THEN 'settings' END,
    CASE WHEN NEW.category_id IS DISTINCT FROM OLD.category_id THEN 'category_id' END,
    CASE WHEN NEW.is_public <> OLD.is_public THEN 'is_public' END,
    CASE WHEN NEW.is_template <> OLD.is_template THEN 'is_template' END,
    CASE WHEN NEW.content_encrypted IS DISTINCT FROM OLD.content_encrypted THEN 'content' END,
    CASE WHEN NEW.published_at IS DISTINCT FROM OLD.published_at THEN 'published_at' END,
    CASE WHEN NEW.expires_at IS DISTINCT FROM OLD.expires_at THEN 'expires_at' END], NULL);
  IF NEW.workspace_id <> OLD.workspace_id THEN  -- a move is a delete there and a create here
    PERFORM app.record_change(OLD.workspace_id, 'document', OLD.id, OLD.id, 'delete', ARRAY['workspace_id'], NULL,
                              NEW.row_version);
    PERFORM app.record_change(NEW.workspace_id, 'document', NEW.id, NEW.id, 'create', ARRAY['workspace_id'],
                              NEW.content_hash, NEW.row_version);
  ELSIF NEW.deleted_at IS NOT NULL THEN
    PERFORM app.record_change(NEW.workspace_id, 'document', NEW.id, NEW.id, 'delete', ARRAY['deleted_at'], NULL,
                              NEW.row_version);
  ELSIF OLD.deleted_at IS NOT NULL THEN
    PERFORM app.record_change(NEW.workspace_id, 'document', NEW.id, NEW.id, 'create', ARRAY['deleted_at'],
                              NEW.content_hash, NEW.row_version);
  ELSE
    -- The version also moves with the document's tags: app.documents_tagged.
    PERFORM app.record_change(NEW.workspace_id, 'document', NEW.id, NEW.id, 'update',
      CASE WHEN fields = '{}' THEN ARRAY['tags'] ELSE fields END, NEW.content_hash, NEW.row_version);
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.document_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.document_changed() TO app_service, app_admin;
