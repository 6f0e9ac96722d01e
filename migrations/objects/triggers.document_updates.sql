-- See core/room/entries.Author.accepts. A name cannot contain this text: its quotes are escaped.
CREATE OR REPLACE TRIGGER accepts AFTER INSERT ON document_updates
  FOR EACH ROW WHEN (NEW.author LIKE '%"accepts":%') EXECUTE FUNCTION app.suggestion_accepted();
