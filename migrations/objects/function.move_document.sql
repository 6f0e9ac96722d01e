-- Into another workspace, with its log, text, views and favourites. Tags go along by name, the category stays behind.
-- A name that is taken there is a unique_violation of documents_name_key.
CREATE OR REPLACE FUNCTION app.move_document(p_document uuid, p_workspace uuid, p_category uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE source uuid; author uuid; carried uuid[];
BEGIN
  SELECT workspace_id, created_by INTO source, author FROM documents
    WHERE id = p_document AND deleted_at IS NULL FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such document' USING ERRCODE = 'no_data_found';
  END IF;
  IF NOT app.may_remove(source, author) OR NOT p_workspace = ANY (app.workspace_ids('can_create_documents')) THEN
    RAISE EXCEPTION 'moving needs the right to delete here and to create there' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF source <> p_workspace THEN
    SELECT coalesce(array_agg(tag_id), '{}') INTO carried FROM document_tags WHERE document_id = p_document;
    INSERT INTO tags (workspace_id, name, slug, color, description)
      SELECT p_workspace, name, slug, color, description FROM tags WHERE id = ANY (carried) ORDER BY slug
      ON CONFLICT (workspace_id, slug) DO NOTHING;
    DELETE FROM document_tags WHERE document_id = p_document;
  END IF;
  UPDATE documents SET workspace_id = p_workspace, category_id = p_category WHERE id = p_document;
  IF source <> p_workspace THEN
    INSERT INTO document_tags (document_id, tag_id, workspace_id)
      SELECT p_document, there.id, p_workspace FROM tags here JOIN tags there USING (slug)
      WHERE here.id = ANY (carried) AND there.workspace_id = p_workspace;
  END IF;
END $$;
REVOKE EXECUTE ON FUNCTION app.move_document(uuid, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.move_document(uuid, uuid, uuid) TO app_readwrite, app_service, app_admin;
