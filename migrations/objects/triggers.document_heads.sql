CREATE OR REPLACE TRIGGER feed AFTER UPDATE OF announced_seq ON document_heads FOR EACH ROW
  WHEN (OLD.announced_seq IS NULL AND NEW.announced_seq IS NOT NULL) EXECUTE FUNCTION app.edits_announced();
