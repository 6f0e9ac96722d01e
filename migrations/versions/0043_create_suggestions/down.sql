DROP TRIGGER accepts ON document_updates;
DROP TABLE suggestions;
DROP FUNCTION app.suggestion_before, app.suggestion_changed, app.suggestion_accepted;
