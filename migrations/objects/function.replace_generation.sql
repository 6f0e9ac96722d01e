-- Replaces a document whose log is folded up to p_seq by a copy: p_state with p_vector, whose history is the rows from p_first_seq
-- to p_last_seq. Its generation rises, and edits of the former one are refused from then on. p_former: its content at the end.
-- False if the document was edited, folded, replaced or deleted meanwhile.
CREATE OR REPLACE FUNCTION app.replace_generation(p_document uuid, p_generation bigint, p_seq bigint, p_state bytea, p_vector bytea,
    p_checksum bigint, p_former bytea, p_clients bigint[], p_actor uuid, p_first_seq bigint, p_last_seq bigint,
    p_first_at timestamptz, p_last_at timestamptz, p_row_count integer, p_payload bytea)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM documents WHERE id = p_document AND generation = p_generation AND yjs_clock = p_seq AND deleted_at IS NULL
    FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM FROM document_heads WHERE document_id = p_document AND head_seq = p_seq FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE documents SET yjs_state = p_state, yjs_state_vector = p_vector, yjs_clock = p_last_seq, generation = p_generation + 1
    WHERE id = p_document;
  UPDATE document_heads SET head_seq = p_last_seq, snapshot_clock = p_last_seq, snapshot_checksum = p_checksum, announced_seq = NULL
    WHERE document_id = p_document;
  -- They have state vectors of the former generation.
  DELETE FROM document_bases WHERE document_id = p_document;
  INSERT INTO document_generations (document_id, generation, last_seq, state, next_state, next_vector, clients, replaced_by)
    VALUES (p_document, p_generation, p_seq, p_former, p_state, p_vector, p_clients, (SELECT id FROM users WHERE id = p_actor));
  INSERT INTO history_segments (document_id, first_seq, last_seq, generation, first_at, last_at, row_count, payload)
    VALUES (p_document, p_first_seq, p_last_seq, p_generation + 1, p_first_at, p_last_at, p_row_count, p_payload);
  RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION app.replace_generation(uuid, bigint, bigint, bytea, bytea, bigint, bytea, bigint[], uuid, bigint, bigint,
  timestamptz, timestamptz, integer, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.replace_generation(uuid, bigint, bigint, bytea, bytea, bigint, bytea, bigint[], uuid, bigint, bigint,
  timestamptz, timestamptz, integer, bytea) TO app_service, app_admin;
