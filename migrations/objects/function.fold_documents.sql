-- app.fold_into_history and app.follow_heading for several documents, whose segments all have payloads. The arrays are parallel;
-- p_joined and p_removals have array literals. Returns the documents that were folded: not those locked by another transaction.
-- In the order of ids, in which app.append_edits locks heads, too.
CREATE OR REPLACE FUNCTION app.fold_documents(p_documents uuid[], p_clocks bigint[], p_uptos bigint[], p_states bytea[],
    p_vectors bytea[], p_checksums bigint[], p_contents text[], p_words integer[], p_truncated boolean[], p_headings text[],
    p_first_seqs bigint[], p_first_ats timestamptz[], p_last_ats timestamptz[], p_row_counts integer[], p_payloads bytea[],
    p_joined text[], p_removals text[])
RETURNS uuid[] LANGUAGE plpgsql AS $$
DECLARE free uuid[]; done uuid[] := '{}'; i integer;
BEGIN
  free := ARRAY(SELECT id FROM documents WHERE id = ANY (p_documents) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED);
  FOR i IN SELECT p.position FROM unnest(p_documents) WITH ORDINALITY p (id, position) WHERE p.id = ANY (free) ORDER BY p.id LOOP
    IF app.fold_into_history(p_documents[i], p_clocks[i], p_uptos[i], p_states[i], p_vectors[i], p_checksums[i], p_contents[i],
         p_words[i], p_truncated[i], p_first_seqs[i], p_first_ats[i], p_last_ats[i], p_row_counts[i], NULL, p_payloads[i],
         p_joined[i]::timestamptz[], p_removals[i]::bigint[]) THEN
      IF p_contents[i] IS NOT NULL THEN PERFORM app.follow_heading(p_documents[i], p_headings[i]); END IF;
      done := done || p_documents[i];
    END IF;
  END LOOP;
  RETURN done;
END $$;
REVOKE EXECUTE ON FUNCTION app.fold_documents(uuid[], bigint[], bigint[], bytea[], bytea[], bigint[], text[], integer[], boolean[],
  text[], bigint[], timestamptz[], timestamptz[], integer[], bytea[], text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.fold_documents(uuid[], bigint[], bigint[], bytea[], bytea[], bigint[], text[], integer[], boolean[],
  text[], bigint[], timestamptz[], timestamptz[], integer[], bytea[], text[], text[]) TO app_service, app_admin;
