-- Of edits, followers of the document or of its workspace: one unread entry until nothing has changed for 30 minutes. The
-- trigger runs in a fold, before the fold deletes the rows of the log, which name the authors.
CREATE OR REPLACE FUNCTION app.notify_edits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE editors uuid[]; anonymous boolean; person record;
BEGIN
  PERFORM FROM subscriptions s
    WHERE s.level = 'follow' AND (s.document_id = NEW.id OR s.workspace_id = NEW.workspace_id) LIMIT 1;
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF TG_ARGV[0] = 'encrypted' THEN
    editors := ARRAY[app.user_id()];
  ELSE
    editors := ARRAY(
      SELECT e.actor FROM (
        SELECT u.actor_id AS actor, u.seq FROM document_updates u
          WHERE u.document_id = NEW.id AND u.seq > OLD.yjs_clock AND u.seq <= NEW.yjs_clock
        UNION ALL
        SELECT (other -> 1 ->> 'id')::uuid, u.seq FROM document_updates u,
          jsonb_array_elements(u.author::jsonb -> 'others') other
          WHERE u.document_id = NEW.id AND u.seq > OLD.yjs_clock AND u.seq <= NEW.yjs_clock AND u.author LIKE '%"others"%') e
      GROUP BY e.actor ORDER BY max(e.seq) DESC);
  END IF;
  anonymous := array_position(editors, NULL) IS NOT NULL;
  editors := array_remove(editors, NULL);
  FOR person IN
    SELECT DISTINCT s.user_id FROM subscriptions s
    WHERE s.level = 'follow' AND (s.document_id = NEW.id OR s.workspace_id = NEW.workspace_id)
      AND (anonymous OR array_remove(editors, s.user_id) <> '{}')
      AND app.subscription_level(s.user_id, NEW.id, NEW.workspace_id) = 'follow'
      AND app.may_be_told(s.user_id, NEW.workspace_id, NEW.id, true) ORDER BY s.user_id
  LOOP
    PERFORM app.notify(person.user_id, 'document_changed', NEW.workspace_id, NEW.id, NULL,
                       array_remove(editors, person.user_id), '30 minutes');
  END LOOP;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.notify_edits() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.notify_edits() TO app_service, app_admin;
