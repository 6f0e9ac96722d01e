-- Adds to documents.history_bytes what a statement has added to the history (transition table `added`) or taken from it
-- (`gone`). A deleted document has no row any more: app.count_storage takes off its whole history.
CREATE OR REPLACE FUNCTION app.count_history() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE ids uuid[]; sizes bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(document_id), array_agg(bytes) INTO ids, sizes FROM (
      SELECT document_id, sum(stored_bytes) AS bytes FROM added GROUP BY document_id) s WHERE bytes > 0;
  ELSE
    SELECT array_agg(document_id), array_agg(-bytes) INTO ids, sizes FROM (
      SELECT document_id, sum(stored_bytes) AS bytes FROM gone GROUP BY document_id) s WHERE bytes > 0;
  END IF;
  IF ids IS NULL THEN RETURN NULL; END IF;
  PERFORM FROM documents WHERE id = ANY (ids) ORDER BY id FOR NO KEY UPDATE;
  UPDATE documents d SET history_bytes = greatest(0, d.history_bytes + s.bytes)
  FROM unnest(ids, sizes) s (id, bytes) WHERE d.id = s.id;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.count_history() FROM PUBLIC;
