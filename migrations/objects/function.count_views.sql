-- Adds views, and when people last saw what. Arrays of one length each; what is gone meanwhile is left out.
CREATE OR REPLACE FUNCTION app.count_views(p_documents uuid[], p_counts bigint[], p_last timestamptz[],
                                p_seen uuid[], p_users uuid[], p_at timestamptz[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  WITH locked AS (
    SELECT s.document_id FROM document_stats s WHERE s.document_id = ANY (p_documents) ORDER BY 1 FOR UPDATE)
  UPDATE document_stats s SET view_count = view_count + v.views, last_viewed_at = greatest(last_viewed_at, v.last)
    FROM unnest(p_documents, p_counts, p_last) v (document_id, views, last) JOIN locked USING (document_id)
    WHERE s.document_id = v.document_id;
  INSERT INTO document_views AS d (user_id, document_id, viewed_at)
    SELECT u.id, locked.id, v.at FROM unnest(p_seen, p_users, p_at) v (document_id, user_id, at)
      JOIN users u ON u.id = v.user_id
      JOIN (SELECT id FROM documents WHERE id = ANY (p_seen) ORDER BY id FOR KEY SHARE) locked ON locked.id = v.document_id
    ORDER BY 1, 2
    ON CONFLICT (user_id, document_id) DO UPDATE SET viewed_at = greatest(d.viewed_at, EXCLUDED.viewed_at);
END $$;
REVOKE EXECUTE ON FUNCTION app.count_views(uuid[], bigint[], timestamp with time zone[], uuid[], uuid[], timestamp with time zone[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.count_views(uuid[], bigint[], timestamp with time zone[], uuid[], uuid[], timestamp with time zone[]) TO app_service, app_admin;
