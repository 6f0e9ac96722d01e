-- Keeps thread, depth, earlier texts and who resolved. Only the root of a thread is resolved or anchored.
CREATE OR REPLACE FUNCTION app.comment_before() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.thread_id := NEW.id;
    NEW.depth := 0;
    IF NEW.parent_id IS NOT NULL THEN
      SELECT p.thread_id, least(p.depth + 1, 20) INTO NEW.thread_id, NEW.depth FROM comments p
        WHERE p.id = NEW.parent_id AND p.document_id = NEW.document_id AND p.deleted_at IS NULL;
      IF NOT FOUND THEN
        RAISE EXCEPTION 'parent comment is not in this document' USING ERRCODE = 'foreign_key_violation';
      END IF;
    END IF;
    RETURN NEW;
  END IF;
  -- The name of an erased person leaves no earlier text (app.erase_comments).
  IF NEW.content IS DISTINCT FROM OLD.content AND app.setting('erasing') IS NULL THEN
    INSERT INTO comment_edits (comment_id, old_content, edited_by) VALUES (OLD.id, OLD.content, app.user_id());
    NEW.edited := true;
  END IF;
  IF NEW.resolved AND NOT OLD.resolved THEN
    NEW.resolved_at := now();
    NEW.resolved_by := app.user_id();
  ELSIF NOT NEW.resolved THEN
    NEW.resolved_at := NULL;
    NEW.resolved_by := NULL;
  END IF;
  -- Where the words are now is not a change of the comment.
  IF (NEW.content, NEW.resolved, NEW.deleted_at, NEW.anchor_text, NEW.yjs_anchor, NEW.position IS NULL)
     IS DISTINCT FROM (OLD.content, OLD.resolved, OLD.deleted_at, OLD.anchor_text, OLD.yjs_anchor, OLD.position IS NULL)
  THEN
    NEW.row_version := OLD.row_version + 1;
    NEW.updated_at := now();
  END IF;
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION app.comment_before() FROM PUBLIC;
