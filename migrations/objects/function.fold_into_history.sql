-- app.fold_document, and the segment that keeps the rows. The segment replaces those from p_first_seq on, which it contains.
-- p_payload NULL: the rows are the snapshot p_state, by p_author. p_first_seq NULL: nothing is kept. p_joined: created_at of
-- the segments that the new one contains. False also if there is another one by now, which retention has made. p_removals:
-- rows that removed much of a text; at most the last 16 wait for their versions.
CREATE OR REPLACE FUNCTION app.fold_into_history(p_document uuid, p_expected_clock bigint, p_upto bigint, p_state bytea,
    p_vector bytea, p_checksum bigint, p_content text, p_words integer, p_truncated boolean, p_first_seq bigint,
    p_first_at timestamptz, p_last_at timestamptz, p_row_count integer, p_author text, p_payload bytea,
    p_joined timestamptz[], p_removals bigint[] DEFAULT NULL)
RETURNS boolean LANGUAGE plpgsql SET lock_timeout = '300ms' AS $$
BEGIN
  IF p_first_seq IS NOT NULL THEN
    PERFORM FROM history_segments WHERE document_id = p_document AND last_seq >= p_first_seq FOR UPDATE;
    IF EXISTS (SELECT FROM history_segments
               WHERE document_id = p_document AND last_seq >= p_first_seq AND created_at <> ALL (p_joined)) THEN
      RETURN false;
    END IF;
  END IF;
  IF NOT app.fold_document(p_document, p_expected_clock, p_upto, p_state, p_vector, p_checksum, p_content, p_words, p_truncated) THEN
    RETURN false;
  END IF;
  UPDATE document_heads SET unversioned_since = coalesce(unversioned_since, now()),
    removals = (removals || p_removals)[greatest(1, cardinality(removals || p_removals) - 15):]
  WHERE document_id = p_document AND (unversioned_since IS NULL OR p_removals <> '{}');
  IF p_first_seq IS NULL THEN RETURN true; END IF;
  DELETE FROM history_segments WHERE document_id = p_document AND last_seq >= p_first_seq;
  INSERT INTO history_segments (document_id, first_seq, last_seq, generation, first_at, last_at, row_count, author, payload)
    SELECT p_document, p_first_seq, p_upto, d.generation, p_first_at, p_last_at, p_row_count, p_author, p_payload
    FROM documents d WHERE d.id = p_document;
  RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION app.fold_into_history(uuid, bigint, bigint, bytea, bytea, bigint, text, integer, boolean,
  bigint, timestamptz, timestamptz, integer, text, bytea, timestamptz[], bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.fold_into_history(uuid, bigint, bigint, bytea, bytea, bigint, text, integer, boolean,
  bigint, timestamptz, timestamptz, integer, text, bytea, timestamptz[], bigint[]) TO app_service, app_admin;
