-- A reaction or a mention is a change of its comment.
CREATE OR REPLACE FUNCTION app.comment_reacted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE c record;
BEGIN
  SELECT x.id, x.workspace_id, x.document_id, x.row_version INTO c
    FROM comments x JOIN documents d ON d.id = x.document_id AND d.deleted_at IS NULL
    WHERE x.id = coalesce(NEW.comment_id, OLD.comment_id) AND x.deleted_at IS NULL;
  IF FOUND THEN
    PERFORM app.record_change(c.workspace_id, 'comment', c.id, c.document_id, 'update', ARRAY[TG_ARGV[0]], NULL, c.row_version);
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.comment_reacted() FROM PUBLIC;
