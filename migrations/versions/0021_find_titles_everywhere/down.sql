CREATE OR REPLACE FUNCTION app.tagged_with(p_workspace uuid, p_slugs text[], p_most integer, OUT tags uuid[], OUT documents uuid[])
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  tags := '{}';
  documents := '{}';
  IF 'can_read' <> ALL (app.workspace_permissions(p_workspace)) THEN RETURN; END IF;
  tags := ARRAY(SELECT t.id FROM tags t WHERE t.workspace_id = p_workspace AND t.slug = ANY (p_slugs));
  IF cardinality(tags) < cardinality(p_slugs) THEN RETURN; END IF;
  IF cardinality(tags) = 1 THEN
    documents := ARRAY(
      SELECT x.document_id FROM document_tags x WHERE x.workspace_id = p_workspace AND x.tag_id = tags[1]
      LIMIT p_most + 1);
  ELSE
    documents := ARRAY(
      SELECT x.document_id FROM document_tags x WHERE x.workspace_id = p_workspace AND x.tag_id = ANY (tags)
      GROUP BY x.document_id HAVING count(*) = cardinality(tags) LIMIT p_most + 1);
  END IF;
  IF cardinality(documents) > p_most THEN documents := NULL; END IF;
END $$;
CREATE OR REPLACE FUNCTION app.search_titles(p_query text, p_workspace uuid, p_limit integer)
RETURNS TABLE (id uuid, workspace_id uuid, workspace_slug text, name text, title text, type text, similarity real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  here uuid[] := app.workspace_ids('can_read');
  trigrams text[] := tsvector_to_array(app.trigrams(p_query));
  enough integer := (cardinality(trigrams) * 2 + 4) / 5;  -- 0.4 of them
  asked tsquery;
  narrow tsquery;
BEGIN
  IF p_workspace IS NOT NULL THEN
    here := CASE WHEN p_workspace = ANY (here) THEN ARRAY[p_workspace] ELSE '{}' END;
  END IF;
  IF cardinality(trigrams) = 0 THEN RETURN; END IF;
  SELECT string_agg(quote_literal(x), ' | ')::tsquery INTO asked FROM unnest(trigrams) x;
  narrow := app.trigrams_enough(trigrams, enough);
  RETURN QUERY
  WITH alike AS MATERIALIZED (
    SELECT i.document_id,  -- how many of them it has: a rank of these weights without positions is their share
      round(ts_rank('{1, 1, 1, 1}', i.title_trigrams, asked) * 1.64493406685 * cardinality(trigrams))::integer AS common
    FROM document_search i WHERE ARRAY[i.workspace_id] && here AND i.title_trigrams @@ narrow OFFSET 0)
  SELECT d.id, d.workspace_id, w.slug, d.name, d.title, d.type::text,
    (a.common::float8 / cardinality(trigrams))::real
  FROM alike a JOIN documents d ON d.id = a.document_id JOIN workspaces w ON w.id = d.workspace_id
  WHERE a.common >= enough AND d.deleted_at IS NULL
  ORDER BY a.common DESC, length(d.title), d.updated_at DESC, d.id LIMIT p_limit;
END $$;
