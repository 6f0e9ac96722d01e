-- app.compact_document, and the checksum of what it stores. It does not wait for a locked document: the caller comes again.
CREATE OR REPLACE FUNCTION app.fold_document(p_document uuid, p_expected_clock bigint, p_upto bigint, p_state bytea, p_vector bytea,
                                  p_checksum bigint, p_content text, p_words integer, p_truncated boolean)
RETURNS boolean LANGUAGE plpgsql SET lock_timeout = '300ms' AS $$
BEGIN
  IF NOT app.compact_document(p_document, p_expected_clock, p_upto, p_state, p_vector, p_content, p_words, p_truncated) THEN
    RETURN false;
  END IF;
  UPDATE document_heads SET snapshot_clock = p_upto, snapshot_checksum = p_checksum WHERE document_id = p_document;
  RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION app.fold_document(uuid, bigint, bigint, bytea, bytea, bigint, text, integer, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.fold_document(uuid, bigint, bigint, bytea, bytea, bigint, text, integer, boolean) TO app_service, app_admin;
