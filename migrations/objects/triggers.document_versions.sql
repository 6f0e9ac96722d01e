CREATE OR REPLACE TRIGGER feed AFTER INSERT OR UPDATE OR DELETE ON document_versions
  FOR EACH ROW EXECUTE FUNCTION app.version_changed();
-- The content of a version is never changed.
CREATE OR REPLACE TRIGGER storage_added AFTER INSERT ON document_versions REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION app.count_history();
CREATE OR REPLACE TRIGGER storage_gone AFTER DELETE ON document_versions REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION app.count_history();
