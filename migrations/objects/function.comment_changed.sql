-- Feed entries of comments. A moved document takes its comments along: its own entry says so.
CREATE OR REPLACE FUNCTION app.comment_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE c comments := coalesce(NEW, OLD); fields text[]; operation change_operation;
BEGIN
  IF NOT EXISTS (SELECT FROM documents WHERE id = c.document_id AND deleted_at IS NULL) THEN RETURN NULL; END IF;
  IF TG_OP = 'UPDATE' THEN
    IF NEW.row_version = OLD.row_version THEN RETURN NULL; END IF;
    fields := array_remove(ARRAY[
      CASE WHEN (NEW.yjs_anchor, NEW.position IS NULL) IS DISTINCT FROM (OLD.yjs_anchor, OLD.position IS NULL) THEN 'anchor' END,
      CASE WHEN NEW.content <> OLD.content THEN 'content' END,
      CASE WHEN NEW.resolved <> OLD.resolved THEN 'resolved' END], NULL);
    operation := CASE WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL THEN 'delete' ELSE 'update' END;
  ELSE
    operation := CASE TG_OP WHEN 'INSERT' THEN 'create' ELSE 'delete' END;
  END IF;
  PERFORM app.record_change(c.workspace_id, 'comment', c.id, c.document_id, operation, fields, NULL, c.row_version);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.comment_changed() FROM PUBLIC;
