-- Of a new comment: its parent's author (reply); the others of the thread, and followers of the document (comment). Of a
-- resolved thread: its people. A deleted comment takes its entries along.
CREATE OR REPLACE FUNCTION app.notify_comment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE person record; actor uuid; entry record;
BEGIN
  IF TG_OP = 'INSERT' THEN
    actor := coalesce(NEW.author_id, app.user_id());
    IF NEW.author_id IS NOT NULL THEN PERFORM app.participate(NEW.author_id, NEW.document_id, 'comment'); END IF;
    FOR person IN
      SELECT x.user_id, min(x.rank) AS rank FROM (
        SELECT author_id AS user_id, 1 AS rank FROM comments WHERE id = NEW.parent_id
        UNION ALL SELECT t.user_id, 2 FROM app.thread_people(NEW.thread_id, NEW.id) t
        UNION ALL SELECT s.user_id, 3 FROM subscriptions s
          WHERE s.level = 'follow' AND (s.document_id = NEW.document_id OR s.workspace_id = NEW.workspace_id)) x
      WHERE x.user_id IS DISTINCT FROM actor AND x.user_id IS NOT NULL
        AND CASE app.subscription_level(x.user_id, NEW.document_id, NEW.workspace_id)
            WHEN 'muted' THEN false WHEN 'follow' THEN true ELSE x.rank < 3 END
        AND app.may_be_told(x.user_id, NEW.workspace_id, NEW.document_id)
      GROUP BY x.user_id ORDER BY x.user_id
    LOOP
      PERFORM app.notify(person.user_id, CASE person.rank WHEN 1 THEN 'reply' ELSE 'comment' END, NEW.workspace_id,
                         NEW.document_id, NEW.id, array_remove(ARRAY[actor], NULL));
    END LOOP;
  ELSIF NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL THEN
    FOR entry IN DELETE FROM notifications WHERE comment_id = NEW.id RETURNING id, user_id LOOP
      PERFORM app.record_change(NEW.workspace_id, 'notification', entry.id, NEW.document_id, 'delete', p_target => entry.user_id);
    END LOOP;
  ELSIF NEW.resolved AND NOT OLD.resolved THEN
    FOR person IN
      SELECT t.user_id FROM app.thread_people(NEW.thread_id) t
      WHERE t.user_id IS DISTINCT FROM NEW.resolved_by
        AND app.subscription_level(t.user_id, NEW.document_id, NEW.workspace_id) IS DISTINCT FROM 'muted'
        AND app.may_be_told(t.user_id, NEW.workspace_id, NEW.document_id) ORDER BY t.user_id
    LOOP
      PERFORM app.notify(person.user_id, 'resolved', NEW.workspace_id, NEW.document_id, NEW.id,
                         array_remove(ARRAY[NEW.resolved_by], NULL), '30 days');
    END LOOP;
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.notify_comment() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.notify_comment() TO app_service, app_admin;
