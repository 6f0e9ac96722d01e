-- Like search_documents, by the texts of attachments, each document once with the best of them. Documents that search_documents
-- finds by their own text are left out: the two lists have nothing in common. Of very many, a thousand are ranked.
CREATE OR REPLACE FUNCTION app.search_attachments(p_query text, p_last text, p_workspace uuid, p_type text, p_tags text[],
  p_limit integer, p_after_rank real, p_after_id uuid)
RETURNS TABLE (id uuid, workspace_id uuid, workspace_slug text, name text, title text, type text,
  updated_at timestamptz, rank real, snippet text, title_marked text, attachment_id uuid, file_name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  ranked constant integer := 1000;
  here uuid[] := app.workspace_ids('can_read');
  shared uuid[] := app.shared_documents('read');
  places uuid[];  -- here, and where the shared documents are
BEGIN
  IF p_workspace IS NOT NULL THEN
    here := CASE WHEN p_workspace = ANY (here) THEN ARRAY[p_workspace] ELSE '{}' END;
  END IF;
  places := here;
  IF cardinality(shared) > 0 THEN
    places := here || ARRAY(SELECT DISTINCT d.workspace_id FROM documents d WHERE d.id = ANY (shared)
      AND d.workspace_id <> ALL (here) AND (p_workspace IS NULL OR d.workspace_id = p_workspace));
  END IF;
  RETURN QUERY
  WITH asked AS MATERIALIZED (SELECT a.language, a.query FROM app.search_queries(p_query, p_last) a),
  hits AS MATERIALIZED (
    SELECT h.document_id, h.attachment_id, a.language, a.query,
      ts_rank('{0.1, 0.3, 0.5, 1.0}', h.tsv, a.query, 1) AS rank
    FROM asked a CROSS JOIN LATERAL (
      SELECT t.document_id, t.attachment_id, t.tsv FROM attachment_texts t
        JOIN attachments f ON f.id = t.attachment_id AND f.deleted_at IS NULL
        JOIN documents d ON d.id = t.document_id AND (d.deleted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now()))
      WHERE ARRAY[t.workspace_id] && places AND (t.workspace_id = ANY (here) OR t.document_id = ANY (shared))
        AND t.tsv @@ a.query AND t.language = a.language AND (p_type IS NULL OR d.type::text = p_type)
        AND (p_tags IS NULL OR (
          SELECT count(*) FROM document_tags x JOIN tags g ON g.id = x.tag_id
          WHERE x.document_id = t.document_id AND g.slug = ANY (p_tags)) = cardinality(p_tags))
        AND NOT EXISTS (SELECT FROM document_search s
          WHERE s.document_id = t.document_id AND s.language = a.language AND s.tsv @@ a.query)
      ORDER BY t.created_at DESC, t.attachment_id LIMIT ranked) h),
  best AS (
    SELECT DISTINCT ON (h.document_id) h.* FROM hits h ORDER BY h.document_id, h.rank DESC, h.attachment_id),
  page AS (
    SELECT b.* FROM best b WHERE p_after_id IS NULL OR (b.rank, b.document_id) < (p_after_rank, p_after_id)
    ORDER BY b.rank DESC, b.document_id DESC LIMIT p_limit)
  SELECT d.id, d.workspace_id, CASE WHEN d.workspace_id = ANY (here) THEN w.slug END, d.name, d.title, d.type::text, d.updated_at, p.rank,
    app.search_snippet(app.fts_config(p.language), t.content, p.query, concat_ws(' ', p_query, p_last)),
    app.search_marked(app.fts_config(p.language), d.title, p.query), f.id, f.file_name
  FROM page p JOIN documents d ON d.id = p.document_id JOIN workspaces w ON w.id = d.workspace_id
    JOIN attachments f ON f.id = p.attachment_id JOIN attachment_texts t ON t.attachment_id = p.attachment_id
  ORDER BY p.rank DESC, d.id DESC;
END $$;
REVOKE EXECUTE ON FUNCTION app.search_attachments(text, text, uuid, text, text[], integer, real, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_attachments(text, text, uuid, text, text[], integer, real, uuid) TO app_readonly, app_readwrite, app_service, app_admin;
