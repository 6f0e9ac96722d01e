-- A reaction is a change of its comment.
CREATE OR REPLACE FUNCTION app.comment_reacted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE c comments;
BEGIN
  SELECT * INTO c FROM comments WHERE id = coalesce(NEW.comment_id, OLD.comment_id);
  IF FOUND AND EXISTS (SELECT FROM documents WHERE id = c.document_id AND deleted_at IS NULL) THEN
    PERFORM app.record_change(c.workspace_id, 'comment', c.id, c.document_id, 'update', '{reactions}', NULL, c.row_version);
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.comment_reacted() FROM PUBLIC;
