-- As before, but that what the index cannot answer (phrases, tags, a type) is asked of the documents that were changed
-- last, until the thousand that are ranked are together.
CREATE OR REPLACE FUNCTION app.search_documents(p_query text, p_last text, p_workspace uuid, p_type text, p_tags text[],
  p_limit integer, p_after_rank real, p_after_id uuid)
RETURNS TABLE (id uuid, workspace_id uuid, workspace_slug text, name text, title text, type text,
  updated_at timestamptz, rank real, snippet text, title_marked text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  ranked constant integer := 1000;
  here uuid[] := app.workspace_ids('can_read');
  shared uuid[] := app.shared_documents('read');
  places uuid[];  -- here, and where the shared documents are
  narrowed boolean := p_type IS NOT NULL OR p_tags IS NOT NULL;
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
  WITH asked AS MATERIALIZED (
    SELECT a.language, a.query, app.search_words(a.query) AS words FROM app.search_queries(p_query, p_last) a),
  hits AS MATERIALIZED (
    SELECT s.document_id, s.changed_at, a.language, a.query FROM asked a CROSS JOIN LATERAL (
      SELECT i.document_id, i.changed_at FROM document_search i
      WHERE ARRAY[i.workspace_id] && places AND (i.workspace_id = ANY (here) OR i.document_id = ANY (shared)) AND i.tsv @@ a.query AND i.language = a.language
      ORDER BY i.changed_at DESC, i.document_id LIMIT ranked + 1) s
    WHERE NOT narrowed AND a.words = a.query
    UNION ALL  -- What takes a look at each document is asked of as many as it takes.
    SELECT s.document_id, s.changed_at, a.language, a.query FROM asked a CROSS JOIN LATERAL (
      SELECT c.document_id, c.changed_at FROM (
        SELECT i.document_id, i.changed_at, i.tsv FROM document_search i
        WHERE ARRAY[i.workspace_id] && places AND (i.workspace_id = ANY (here) OR i.document_id = ANY (shared)) AND i.tsv @@ a.words AND i.language = a.language
          AND (p_type IS NULL OR EXISTS (
            SELECT FROM documents d WHERE d.id = i.document_id AND d.type::text = p_type))
        ORDER BY i.changed_at DESC, i.document_id OFFSET 0) c
      WHERE (p_tags IS NULL OR (
          SELECT count(*) FROM document_tags x JOIN tags t ON t.id = x.tag_id
          WHERE x.document_id = c.document_id AND t.slug = ANY (p_tags)) = cardinality(p_tags))
        AND (a.words = a.query OR c.tsv @@ a.query)
      LIMIT ranked + 1) s
    WHERE narrowed OR a.words <> a.query),
  titled AS MATERIALIZED (
    SELECT s.document_id, a.language, a.query FROM asked a CROSS JOIN LATERAL (
      SELECT c.document_id FROM (
        SELECT i.document_id, i.tsv FROM document_search i
        WHERE ARRAY[i.workspace_id] && places AND (i.workspace_id = ANY (here) OR i.document_id = ANY (shared)) AND i.title_words @@ a.query AND i.language = a.language
          AND (p_type IS NULL OR EXISTS (
            SELECT FROM documents d WHERE d.id = i.document_id AND d.type::text = p_type))
        ORDER BY i.changed_at DESC, i.document_id OFFSET 0) c
      WHERE (p_tags IS NULL OR (
          SELECT count(*) FROM document_tags x JOIN tags t ON t.id = x.tag_id
          WHERE x.document_id = c.document_id AND t.slug = ANY (p_tags)) = cardinality(p_tags))
        AND c.tsv @@ a.query
      LIMIT ranked) s
    WHERE (SELECT count(*) FROM hits) > ranked),
  compared AS (
    (SELECT h.document_id, h.language, h.query FROM hits h ORDER BY h.changed_at DESC, h.document_id LIMIT ranked)
    UNION
    SELECT t.document_id, t.language, t.query FROM titled t),
  page AS (
    SELECT c.document_id, c.language, c.query, r.rank
    FROM compared c CROSS JOIN LATERAL (  -- one by one: the planner would rather read both tables from end to end
      SELECT ts_rank('{0.1, 0.3, 0.5, 1.0}', i.tsv, c.query, 1) AS rank FROM document_search i
      WHERE i.document_id = c.document_id
        AND EXISTS (SELECT FROM documents d WHERE d.id = i.document_id AND (d.deleted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now())) OFFSET 0)
      OFFSET 0) r
    WHERE p_after_id IS NULL OR (r.rank, c.document_id) < (p_after_rank, p_after_id)
    ORDER BY r.rank DESC, c.document_id DESC LIMIT p_limit)
  SELECT d.id, d.workspace_id, CASE WHEN d.workspace_id = ANY (here) THEN w.slug END, d.name, d.title, d.type::text, d.updated_at, p.rank,
    app.search_snippet(app.fts_config(p.language), CASE WHEN d.content_encrypted IS NULL THEN d.content ELSE '' END,
      p.query, concat_ws(' ', p_query, p_last)),
    app.search_marked(app.fts_config(p.language), d.title, p.query)
  FROM page p JOIN documents d ON d.id = p.document_id JOIN workspaces w ON w.id = d.workspace_id
  ORDER BY p.rank DESC, d.id DESC;
END $$;
REVOKE EXECUTE ON FUNCTION app.search_documents(text, text, uuid, text, text[], integer, real, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_documents(text, text, uuid, text, text[], integer, real, uuid) TO app_readonly, app_readwrite, app_service, app_admin;
