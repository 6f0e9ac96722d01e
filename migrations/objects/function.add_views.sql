-- As app.count_views, but the views of documents that another transaction has locked are not counted: their ids.
CREATE OR REPLACE FUNCTION app.add_views(p_documents uuid[], p_counts bigint[], p_last timestamptz[],
                              p_seen uuid[], p_users uuid[], p_at timestamptz[]) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  every uuid[] := p_documents || p_seen;
  free uuid[] := ARRAY(
    SELECT d.id FROM documents d JOIN document_stats s ON s.document_id = d.id WHERE d.id = ANY (every) ORDER BY d.id
    FOR UPDATE OF s SKIP LOCKED FOR KEY SHARE OF d SKIP LOCKED);
  v record; p record;
BEGIN
  SELECT array_agg(a) AS documents, array_agg(b) AS counts, array_agg(c) AS last INTO v
    FROM unnest(p_documents, p_counts, p_last) x (a, b, c) WHERE a = ANY (free);
  SELECT array_agg(a) AS documents, array_agg(b) AS users, array_agg(c) AS at INTO p
    FROM unnest(p_seen, p_users, p_at) x (a, b, c) WHERE a = ANY (free);
  PERFORM app.count_views(v.documents, v.counts, v.last, p.documents, p.users, p.at);
  RETURN ARRAY(SELECT id FROM documents WHERE id = ANY (every) AND id <> ALL (free));
END $$;
REVOKE EXECUTE ON FUNCTION app.add_views(uuid[], bigint[], timestamp with time zone[], uuid[], uuid[], timestamp with time zone[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.add_views(uuid[], bigint[], timestamp with time zone[], uuid[], uuid[], timestamp with time zone[]) TO app_service, app_admin;
