-- A payload is never changed in place.
CREATE OR REPLACE TRIGGER storage_added AFTER INSERT ON history_segments REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION app.count_history();
CREATE OR REPLACE TRIGGER storage_gone AFTER DELETE ON history_segments REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION app.count_history();
