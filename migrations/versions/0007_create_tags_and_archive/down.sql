REVOKE UPDATE (name) ON documents FROM app_readwrite;
DROP POLICY doc_update ON documents;
DROP POLICY doc_delete ON documents;
CREATE POLICY doc_update ON documents FOR UPDATE TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]));
CREATE POLICY doc_delete ON documents FOR DELETE TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_delete_documents'))::uuid[]));
DROP FUNCTION app.purge_archive(integer, integer), app.purge_documents(integer, integer),
  app.count_views(uuid[], bigint[], timestamptz[], uuid[], uuid[], timestamptz[]),
  app.move_document(uuid, uuid, uuid), app.may_remove(uuid, uuid);
DROP INDEX documents_ws_created, documents_ws_title, documents_ws_edited, documents_category, documents_ws_templates,
  documents_ws_deleted;
ALTER TABLE documents DROP CONSTRAINT documents_category_fkey;
UPDATE documents SET category_id = NULL WHERE category_id IS NOT NULL;
DROP TABLE document_archive, document_views, document_favourites, categories, document_tags, tags;
DROP FUNCTION app.documents_tagged(), app.category_guard();
