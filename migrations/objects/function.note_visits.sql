-- Notes when people opened documents (NULL: they had opened them before) and when they last had them open. Arrays of one
-- length. Returns the documents that another transaction has locked; of these nothing is noted.
CREATE OR REPLACE FUNCTION app.note_visits(p_documents uuid[], p_users uuid[], p_opened timestamptz[], p_seen timestamptz[])
RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  free uuid[] := ARRAY(
    SELECT d.id FROM documents d JOIN document_stats s ON s.document_id = d.id WHERE d.id = ANY (p_documents)
    ORDER BY d.id FOR UPDATE OF s SKIP LOCKED FOR KEY SHARE OF d SKIP LOCKED);
BEGIN
  INSERT INTO document_views AS d (user_id, document_id, viewed_at, seen_at)
    SELECT u.id, v.document_id, v.seen, v.seen
      FROM unnest(p_documents, p_users, p_seen) v (document_id, user_id, seen) JOIN users u ON u.id = v.user_id
      WHERE v.document_id = ANY (free)
    ORDER BY 1, 2
    ON CONFLICT (user_id, document_id) DO NOTHING;
  -- A connection that was lost for less than five minutes is no new visit.
  UPDATE document_views d SET
      previous_at = CASE WHEN v.opened > d.seen_at + interval '5 minutes' THEN d.seen_at ELSE d.previous_at END,
      seen_at = greatest(d.seen_at, v.seen)
    FROM unnest(p_documents, p_users, p_opened, p_seen) v (document_id, user_id, opened, seen)
    WHERE d.user_id = v.user_id AND d.document_id = v.document_id AND v.document_id = ANY (free);
  RETURN ARRAY(SELECT id FROM documents WHERE id = ANY (p_documents) AND id <> ALL (free));
END $$;
REVOKE EXECUTE ON FUNCTION app.note_visits(uuid[], uuid[], timestamptz[], timestamptz[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.note_visits(uuid[], uuid[], timestamptz[], timestamptz[]) TO app_service, app_admin;
