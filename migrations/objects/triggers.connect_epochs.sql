CREATE OR REPLACE TRIGGER access_del AFTER DELETE ON connect_epochs
  FOR EACH ROW EXECUTE FUNCTION app.access_changed('token', 'id');
