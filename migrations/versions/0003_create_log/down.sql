DROP FUNCTION app.compaction_backlog(bigint, integer),
  app.compact_document(uuid, bigint, bigint, bytea, bytea, text, integer, boolean, uuid),
  app.load_document(uuid), app.append_updates(uuid[], bytea[], uuid[], text[], text[]);
DROP TRIGGER documents_10_heads ON documents;
DROP FUNCTION app.documents_after_insert();
DROP TABLE document_stats, document_updates, document_heads;
