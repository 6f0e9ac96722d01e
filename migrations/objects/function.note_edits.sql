CREATE OR REPLACE FUNCTION app.note_edits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO document_edit_times AS t (document_id, field, edited_at)
  SELECT NEW.id, f, coalesce(app.setting('edited_at')::timestamptz, now())
  FROM unnest(array_remove(ARRAY[
    CASE WHEN NEW.title IS DISTINCT FROM OLD.title AND NEW.title_is_set THEN 'title' END,
    CASE WHEN NEW.name IS DISTINCT FROM OLD.name THEN 'name' END,
    CASE WHEN NEW.description IS DISTINCT FROM OLD.description THEN 'description' END,
    CASE WHEN NEW.type IS DISTINCT FROM OLD.type THEN 'type' END,
    CASE WHEN NEW.status IS DISTINCT FROM OLD.status THEN 'status' END,
    CASE WHEN NEW.priority IS DISTINCT FROM OLD.priority THEN 'priority' END,
    CASE WHEN NEW.language IS DISTINCT FROM OLD.language THEN 'language' END,
    CASE WHEN NEW.metadata IS DISTINCT FROM OLD.metadata THEN 'metadata' END,
    CASE WHEN NEW.settings IS DISTINCT FROM OLD.settings THEN 'settings' END,
    CASE WHEN NEW.category_id IS DISTINCT FROM OLD.category_id THEN 'category_id' END,
    CASE WHEN NEW.is_template IS DISTINCT FROM OLD.is_template THEN 'is_template' END,
    CASE WHEN NEW.is_public IS DISTINCT FROM OLD.is_public THEN 'is_public' END,
    CASE WHEN NEW.expires_at IS DISTINCT FROM OLD.expires_at THEN 'expires_at' END,
    CASE WHEN NEW.workspace_id <> OLD.workspace_id THEN 'workspace_id' END,
    CASE WHEN NEW.deleted_at IS DISTINCT FROM OLD.deleted_at THEN 'deleted' END], NULL)) f
  ON CONFLICT (document_id, field) DO UPDATE SET edited_at = greatest(t.edited_at, EXCLUDED.edited_at);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.note_edits() FROM PUBLIC;
