CREATE OR REPLACE TRIGGER feed AFTER UPDATE OF read_at, archived_at ON notifications FOR EACH ROW
  WHEN ((OLD.read_at, OLD.archived_at) IS DISTINCT FROM (NEW.read_at, NEW.archived_at))
  EXECUTE FUNCTION app.notification_changed();
