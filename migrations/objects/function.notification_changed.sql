-- Tells the person's other pages of what was read or put away.
CREATE OR REPLACE FUNCTION app.notification_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM app.record_change(NEW.workspace_id, 'notification', NEW.id, NEW.document_id, 'update', array_remove(ARRAY[
    CASE WHEN NEW.read_at IS DISTINCT FROM OLD.read_at THEN 'read' END,
    CASE WHEN NEW.archived_at IS DISTINCT FROM OLD.archived_at THEN 'archived' END], NULL), p_target => NEW.user_id);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.notification_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.notification_changed() TO app_service, app_admin;
