DROP FUNCTION IF EXISTS app.replace_generation(uuid, bigint, bigint, bytea, bytea, bigint, bytea, bigint[], uuid, bigint, bigint,
  timestamptz, timestamptz, integer, bytea);
DROP TABLE document_generations;
DROP TRIGGER IF EXISTS documents_20_generation ON documents;
DROP FUNCTION IF EXISTS app.generation_changed();
ALTER TABLE document_heads DROP generation;
DROP FUNCTION IF EXISTS app.append_edits(uuid[], bytea[], bigint[], uuid[], text[], text[], text[], bigint[], boolean);
