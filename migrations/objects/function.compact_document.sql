-- The head is locked last, and until the commit: what is appended from then on is not told of by this entry.
CREATE OR REPLACE FUNCTION app.compact_document(p_document uuid, p_expected_clock bigint, p_upto bigint, p_state bytea,
                                                p_vector bytea, p_content text DEFAULT NULL,
                                                p_words integer DEFAULT NULL, p_truncated boolean DEFAULT false,
                                                p_actor uuid DEFAULT NULL)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE was text; d record; head document_heads; last_edit record; author uuid; news boolean;
BEGIN
  IF NOT EXISTS (SELECT FROM document_heads WHERE document_id = p_document AND head_seq >= p_upto)
     OR p_upto < p_expected_clock THEN
    RETURN false;
  END IF;
  SELECT content_hash INTO was FROM documents WHERE id = p_document AND yjs_clock = p_expected_clock FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  SELECT actor_id, device_id INTO last_edit FROM document_updates
    WHERE document_id = p_document AND seq <= p_upto ORDER BY seq DESC LIMIT 1;
  SELECT id INTO author FROM users WHERE id = coalesce(p_actor, last_edit.actor_id);
  IF p_content IS NULL THEN
    UPDATE documents SET yjs_state = p_state, yjs_state_vector = p_vector, yjs_clock = p_upto WHERE id = p_document
    RETURNING workspace_id, content_hash, row_version, deleted_at INTO d;
  ELSE
    UPDATE documents SET yjs_state = p_state, yjs_state_vector = p_vector, yjs_clock = p_upto, content = p_content,
      content_truncated = p_truncated, word_count = p_words, updated_by = coalesce(author, updated_by)
    WHERE id = p_document RETURNING workspace_id, content_hash, row_version, deleted_at INTO d;
  END IF;
  DELETE FROM document_updates WHERE document_id = p_document AND seq <= p_upto;
  SELECT * INTO head FROM document_heads WHERE document_id = p_document FOR NO KEY UPDATE;
  news := d.content_hash <> was OR p_upto > coalesce(head.announced_seq, p_expected_clock);
  IF news AND d.deleted_at IS NULL THEN
    PERFORM app.record_change(d.workspace_id, 'document', p_document, p_document, 'update', ARRAY['content'],
                              d.content_hash, d.row_version, NULL, author, last_edit.device_id);
  END IF;
  UPDATE document_heads SET announced_seq =
      CASE WHEN head_seq > p_upto THEN CASE WHEN news THEN head_seq ELSE announced_seq END END
    WHERE document_id = p_document;
  RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION app.compact_document(uuid, bigint, bigint, bytea, bytea, text, integer, boolean, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.compact_document(uuid, bigint, bigint, bytea, bytea, text, integer, boolean, uuid) TO app_service, app_admin;
