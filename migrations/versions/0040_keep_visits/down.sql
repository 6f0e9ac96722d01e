DROP FUNCTION IF EXISTS app.note_visits(uuid[], uuid[], timestamptz[], timestamptz[]);
ALTER TABLE document_views DROP COLUMN previous_at, DROP COLUMN seen_at;
