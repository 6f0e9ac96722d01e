-- Replaces the segments of a document that were read (p_created: their created_at) by one with a single row p_seq. p_collapsed:
-- of all their rows only the content is left, by nobody.
-- False: a fold has replaced one of them meanwhile.
CREATE OR REPLACE FUNCTION app.collapse_history(p_document uuid, p_created timestamptz[], p_seq bigint, p_at timestamptz,
                                                p_payload bytea, p_collapsed boolean DEFAULT true)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE number integer;
BEGIN
  PERFORM FROM history_segments WHERE document_id = p_document AND last_seq <= p_seq AND created_at = ANY (p_created)
    ORDER BY last_seq FOR UPDATE;
  IF (SELECT count(*) FROM history_segments WHERE document_id = p_document AND last_seq <= p_seq AND created_at = ANY (p_created))
     <> cardinality(p_created) THEN
    RETURN false;
  END IF;
  SELECT generation INTO number FROM history_segments WHERE document_id = p_document AND last_seq = p_seq;
  DELETE FROM history_segments WHERE document_id = p_document AND last_seq <= p_seq AND created_at = ANY (p_created);
  INSERT INTO history_segments (document_id, first_seq, last_seq, generation, first_at, last_at, row_count, payload, is_collapsed,
                                created_at)
    VALUES (p_document, p_seq, p_seq, number, p_at, p_at, 1, p_payload, p_collapsed, clock_timestamp());
  RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION app.collapse_history(uuid, timestamptz[], bigint, timestamptz, bytea, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.collapse_history(uuid, timestamptz[], bigint, timestamptz, bytea, boolean) TO app_service, app_admin;
