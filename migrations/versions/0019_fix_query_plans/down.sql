CREATE OR REPLACE FUNCTION app.search_documents(p_query text, p_last text, p_workspace uuid, p_type text, p_tags text[],
  p_limit integer, p_after_rank real, p_after_id uuid)
RETURNS TABLE (id uuid, workspace_id uuid, workspace_slug text, name text, title text, type text,
  updated_at timestamptz, rank real, snippet text, title_marked text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  ranked constant integer := 1000;
  here uuid[] := app.workspace_ids('can_read');
BEGIN
  IF p_workspace IS NOT NULL THEN
    here := CASE WHEN p_workspace = ANY (here) THEN ARRAY[p_workspace] ELSE '{}' END;
  END IF;
  RETURN QUERY
  WITH asked AS MATERIALIZED (SELECT a.language, a.query FROM app.search_queries(p_query, p_last) a),
  hits AS MATERIALIZED (
    SELECT s.document_id, s.changed_at, a.language, a.query FROM asked a CROSS JOIN LATERAL (
      SELECT i.document_id, i.changed_at FROM document_search i
      WHERE ARRAY[i.workspace_id] && here AND i.tsv @@ a.query AND i.language = a.language
        AND (p_type IS NULL OR EXISTS (
          SELECT FROM documents d WHERE d.id = i.document_id AND d.type::text = p_type))
        AND (p_tags IS NULL OR (
          SELECT count(*) FROM document_tags x JOIN tags t ON t.id = x.tag_id
          WHERE x.document_id = i.document_id AND t.slug = ANY (p_tags)) = cardinality(p_tags))
      OFFSET 0) s),
  titled AS MATERIALIZED (
    SELECT s.document_id FROM asked a CROSS JOIN LATERAL (
      SELECT i.document_id FROM document_search i
      WHERE ARRAY[i.workspace_id] && here AND i.title_words @@ a.query AND i.language = a.language
      ORDER BY i.changed_at DESC, i.document_id LIMIT ranked) s
    WHERE (SELECT count(*) FROM hits) > ranked),
  compared AS (
    (SELECT h.document_id, h.language, h.query FROM hits h ORDER BY h.changed_at DESC, h.document_id LIMIT ranked)
    UNION
    SELECT h.document_id, h.language, h.query FROM hits h JOIN titled USING (document_id)),
  page AS (
    SELECT c.document_id, c.language, c.query, r.rank
    FROM compared c CROSS JOIN LATERAL (  -- one by one: the planner would rather read both tables from end to end
      SELECT ts_rank('{0.1, 0.3, 0.5, 1.0}', i.tsv, c.query, 1) AS rank FROM document_search i
      WHERE i.document_id = c.document_id
        AND EXISTS (SELECT FROM documents d WHERE d.id = i.document_id AND d.deleted_at IS NULL OFFSET 0)
      OFFSET 0) r
    WHERE p_after_id IS NULL OR (r.rank, c.document_id) < (p_after_rank, p_after_id)
    ORDER BY r.rank DESC, c.document_id DESC LIMIT p_limit)
  SELECT d.id, d.workspace_id, w.slug, d.name, d.title, d.type::text, d.updated_at, p.rank,
    app.search_snippet(app.fts_config(p.language), CASE WHEN d.content_encrypted IS NULL THEN d.content ELSE '' END,
      p.query, concat_ws(' ', p_query, p_last)),
    app.search_marked(app.fts_config(p.language), d.title, p.query)
  FROM page p JOIN documents d ON d.id = p.document_id JOIN workspaces w ON w.id = d.workspace_id
  ORDER BY p.rank DESC, d.id DESC;
END $$;
DROP FUNCTION app.search_words(tsquery);
CREATE OR REPLACE FUNCTION app.peer_ids() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(DISTINCT other.user_id), '{}')
  FROM workspace_members me JOIN workspace_members other USING (workspace_id)
  WHERE me.user_id = app.user_id() AND me.is_active $$;
ALTER FUNCTION app.workspace_ids(text) RESET plan_cache_mode;
ALTER FUNCTION app.workspace_permissions(uuid) RESET plan_cache_mode;
ALTER FUNCTION app.document_permission(uuid) RESET plan_cache_mode;
ALTER FUNCTION app.standing(uuid) RESET plan_cache_mode;
ALTER FUNCTION app.tagged_documents(uuid, uuid) RESET plan_cache_mode;
ALTER FUNCTION app.search_titles(text, uuid, integer) RESET plan_cache_mode;
ALTER FUNCTION app.titles_containing(uuid, text, integer) RESET plan_cache_mode;
ALTER FUNCTION app.search_documents(text, text, uuid, text, text[], integer, real, uuid) RESET plan_cache_mode;
