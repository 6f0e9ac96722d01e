DROP TRIGGER IF EXISTS accepts ON document_updates;
DROP TABLE suggestions;
DROP FUNCTION IF EXISTS app.suggestion_before, app.suggestion_changed, app.suggestion_accepted;
