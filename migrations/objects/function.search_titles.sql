-- The index keeps a list for each workspace, too. To merge those of many takes longer than to look at the workspace of
-- the few documents that have the trigrams.
CREATE OR REPLACE FUNCTION app.search_titles(p_query text, p_workspace uuid, p_limit integer)
RETURNS TABLE (id uuid, workspace_id uuid, workspace_slug text, name text, title text, type text, similarity real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  here uuid[] := app.workspace_ids('can_read');
  shared uuid[] := app.shared_documents('read');
  places uuid[];  -- here, and where the shared documents are
  trigrams text[] := tsvector_to_array(app.trigrams(p_query));
  enough integer := (cardinality(trigrams) * 2 + 4) / 5;  -- 0.4 of them
  asked tsquery;
  narrow tsquery;
  everywhere boolean;
BEGIN
  IF p_workspace IS NOT NULL THEN
    here := CASE WHEN p_workspace = ANY (here) THEN ARRAY[p_workspace] ELSE '{}' END;
  END IF;
  IF cardinality(trigrams) = 0 THEN RETURN; END IF;
  places := here;
  IF cardinality(shared) > 0 THEN
    places := here || ARRAY(SELECT DISTINCT d.workspace_id FROM documents d WHERE d.id = ANY (shared)
      AND d.workspace_id <> ALL (here) AND (p_workspace IS NULL OR d.workspace_id = p_workspace));
  END IF;
  everywhere := cardinality(places) > 8;
  SELECT string_agg(quote_literal(x), ' | ')::tsquery INTO asked FROM unnest(trigrams) x;
  narrow := app.trigrams_enough(trigrams, enough);
  RETURN QUERY
  WITH alike AS MATERIALIZED (
    SELECT i.document_id,  -- how many of them it has: a rank of these weights without positions is their share
      round(ts_rank('{1, 1, 1, 1}', i.title_trigrams, asked) * 1.64493406685 * cardinality(trigrams))::integer AS common
    FROM (
      SELECT x.document_id, x.title_trigrams FROM document_search x
      WHERE NOT everywhere AND ARRAY[x.workspace_id] && places AND x.title_trigrams @@ narrow
      UNION ALL
      SELECT x.document_id, x.title_trigrams FROM document_search x
      WHERE everywhere AND x.workspace_id = ANY (places) AND x.title_trigrams @@ narrow) i
    OFFSET 0)
  SELECT d.id, d.workspace_id, CASE WHEN d.workspace_id = ANY (here) THEN w.slug END, d.name, d.title, d.type::text,
    (a.common::float8 / cardinality(trigrams))::real
  FROM alike a JOIN documents d ON d.id = a.document_id JOIN workspaces w ON w.id = d.workspace_id
  WHERE a.common >= enough AND (d.workspace_id = ANY (here) OR d.id = ANY (shared)) AND (d.deleted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now()))
  ORDER BY a.common DESC, length(d.title), d.updated_at DESC, d.id LIMIT p_limit;
END $$;
REVOKE EXECUTE ON FUNCTION app.search_titles(text, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_titles(text, uuid, integer) TO app_readonly, app_readwrite, app_service, app_admin;
