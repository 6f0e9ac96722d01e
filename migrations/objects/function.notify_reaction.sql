-- Of reactions to one's comment: one unread entry for a comment. A reaction that is taken back leaves it. The comment's row
-- is locked, so that of two reactions at once the later one finds the entry.
CREATE OR REPLACE FUNCTION app.notify_reaction() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE c comments; actor uuid := coalesce(NEW.user_id, OLD.user_id); entry record;
BEGIN
  SELECT * INTO c FROM comments WHERE id = coalesce(NEW.comment_id, OLD.comment_id) AND deleted_at IS NULL FOR NO KEY UPDATE;
  IF NOT FOUND OR c.author_id IS NULL OR c.author_id = actor THEN RETURN NULL; END IF;
  IF TG_OP = 'INSERT' THEN
    IF app.subscription_level(c.author_id, c.document_id, c.workspace_id) IS DISTINCT FROM 'muted'
       AND app.may_be_told(c.author_id, c.workspace_id, c.document_id) THEN
      PERFORM app.notify(c.author_id, 'reaction', c.workspace_id, c.document_id, c.id, ARRAY[actor], '10 years');
    END IF;
    RETURN NULL;
  END IF;
  SELECT id, count INTO entry FROM notifications
    WHERE comment_id = c.id AND user_id = c.author_id AND kind = 'reaction' AND read_at IS NULL AND archived_at IS NULL
      AND actor = ANY (actor_ids) FOR UPDATE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF entry.count = 1 THEN
    DELETE FROM notifications WHERE id = entry.id;
  ELSE
    UPDATE notifications SET count = count - 1, actor_ids = CASE
        WHEN EXISTS (SELECT FROM comment_reactions WHERE comment_id = c.id AND user_id = actor) THEN actor_ids
        ELSE array_remove(actor_ids, actor) END
      WHERE id = entry.id;
  END IF;
  PERFORM app.record_change(c.workspace_id, 'notification', entry.id, c.document_id,
    CASE entry.count WHEN 1 THEN 'delete' ELSE 'update' END::change_operation, '{count}', p_target => c.author_id);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.notify_reaction() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.notify_reaction() TO app_service, app_admin;
