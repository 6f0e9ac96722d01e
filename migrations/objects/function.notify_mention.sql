-- Of a mention by name, also where the document is muted. It takes the place of an unread entry about the same comment.
CREATE OR REPLACE FUNCTION app.notify_mention() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE c comments; entry uuid; actor uuid;
BEGIN
  SELECT * INTO c FROM comments WHERE id = NEW.comment_id AND deleted_at IS NULL;
  actor := coalesce(c.author_id, app.user_id());
  IF NOT FOUND OR NEW.user_id IS NOT DISTINCT FROM actor OR NOT app.may_be_told(NEW.user_id, c.workspace_id, c.document_id)
     OR EXISTS (SELECT FROM notifications WHERE comment_id = c.id AND user_id = NEW.user_id AND kind = 'mention') THEN
    RETURN NULL;
  END IF;
  PERFORM app.participate(NEW.user_id, c.document_id, 'mention');
  UPDATE notifications SET kind = 'mention'
    WHERE comment_id = c.id AND user_id = NEW.user_id AND kind IN ('reply', 'comment') AND read_at IS NULL AND archived_at IS NULL
    RETURNING id INTO entry;
  IF FOUND THEN
    PERFORM app.record_change(c.workspace_id, 'notification', entry, c.document_id, 'update', '{kind}', p_target => NEW.user_id);
  ELSE
    PERFORM app.notify(NEW.user_id, 'mention', c.workspace_id, c.document_id, c.id, array_remove(ARRAY[actor], NULL));
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.notify_mention() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.notify_mention() TO app_service, app_admin;
