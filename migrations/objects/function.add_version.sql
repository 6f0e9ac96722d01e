-- A version of a document, with the next number, of the time p_at (NULL: now). p_if_new: none, if the last version has the same state and title.
-- The number of the new version, or of the last one; NULL: the document is gone, or has another generation.
CREATE OR REPLACE FUNCTION app.add_version(p_document uuid, p_clock bigint, p_kind text, p_label text, p_pinned boolean,
    p_description text, p_content text, p_hash text, p_truncated boolean, p_snapshot bytea, p_state_hash bytea,
    p_title text, p_summary jsonb, p_diff text, p_authors jsonb, p_creator uuid, p_if_new boolean,
    p_at timestamptz DEFAULT NULL)
RETURNS TABLE (number integer, is_new boolean) LANGUAGE plpgsql AS $$
DECLARE d documents; next integer; last record;
BEGIN
  SELECT * INTO d FROM documents WHERE documents.id = p_document AND deleted_at IS NULL FOR NO KEY UPDATE;  -- app.count_history comes to it
  IF NOT FOUND THEN RETURN; END IF;
  UPDATE document_heads SET next_version = next_version + 1 WHERE document_id = p_document RETURNING next_version - 1 INTO next;
  SELECT v.version_number, v.state_hash, v.title INTO last FROM document_versions v
    WHERE v.document_id = p_document ORDER BY v.version_number DESC LIMIT 1;
  IF p_if_new AND last.state_hash = p_state_hash AND last.title = coalesce(p_title, d.title) THEN
    UPDATE document_heads SET next_version = next WHERE document_id = p_document;
    RETURN QUERY SELECT last.version_number, false;
    RETURN;
  END IF;
  INSERT INTO document_versions (document_id, version_number, kind, label, pinned, title, content, content_hash, content_truncated,
      generation, yjs_clock, yjs_snapshot, state_hash, change_description, changes_summary, diff_patch, metadata_snapshot, authors,
      created_by, created_at, size_bytes)
  VALUES (p_document, next, p_kind, p_label, p_pinned, coalesce(p_title, d.title), p_content, p_hash, p_truncated,
      d.generation, p_clock, p_snapshot, p_state_hash, p_description, p_summary, p_diff,
      jsonb_build_object('title', d.title, 'name', d.name, 'description', d.description, 'type', d.type, 'status', d.status,
        'priority', d.priority, 'language', d.language, 'metadata', d.metadata, 'category_id', d.category_id,
        'tags', ARRAY(SELECT t.name FROM document_tags x JOIN tags t ON t.id = x.tag_id WHERE x.document_id = d.id ORDER BY t.name)),
      p_authors, (SELECT u.id FROM users u WHERE u.id = p_creator), coalesce(p_at, now()), octet_length(p_content));
  RETURN QUERY SELECT next, true;
END $$;
REVOKE EXECUTE ON FUNCTION app.add_version(uuid, bigint, text, text, boolean, text, text, text, boolean, bytea, bytea, text, jsonb,
  text, jsonb, uuid, boolean, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.add_version(uuid, bigint, text, text, boolean, text, text, text, boolean, bytea, bytea, text, jsonb,
  text, jsonb, uuid, boolean, timestamptz) TO app_service, app_admin;
