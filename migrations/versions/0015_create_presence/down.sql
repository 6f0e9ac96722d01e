DROP FUNCTION app.purge_presence();
DROP FUNCTION app.end_presence(text, text);
DROP FUNCTION app.mirror_presence(text, jsonb, text[], boolean);
DROP VIEW active_presence;
DROP TABLE presence;
