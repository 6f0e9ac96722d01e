-- Documents of a workspace in whose title the text may stand; NULL where they are more than p_most. Found by the
-- trigrams of its words, which the index of search has; what waits to be indexed may have any title.
-- SECURITY DEFINER, like search: under row-level security @@ may not use an index.
CREATE OR REPLACE FUNCTION app.titles_containing(p_workspace uuid, p_text text, p_most integer) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  asked tsquery;
  found uuid[];
BEGIN
  IF p_workspace <> ALL (app.workspace_ids('can_read')) THEN RETURN '{}'; END IF;
  SELECT string_agg(quote_literal(substr(word, i, 3)), ' & ')::tsquery INTO asked
  FROM regexp_split_to_table(lower(app.fts_text(left(p_text, 500))), '[^[:alnum:]]+') word,
    generate_series(1, length(word) - 2) i;
  IF asked IS NULL THEN RETURN NULL; END IF;
  SELECT array_agg(document_id) INTO found FROM (
    SELECT document_id FROM (
      SELECT i.document_id FROM document_search i
      WHERE ARRAY[i.workspace_id] && ARRAY[p_workspace] AND i.title_trigrams @@ asked
      UNION
      SELECT q.document_id FROM search_queue q JOIN documents d ON d.id = q.document_id
      WHERE d.workspace_id = p_workspace) candidates
    LIMIT p_most + 1) enough;
  RETURN CASE WHEN cardinality(found) > p_most THEN NULL ELSE coalesce(found, '{}') END;
END $$;
REVOKE EXECUTE ON FUNCTION app.titles_containing(uuid, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.titles_containing(uuid, text, integer) TO app_readonly, app_readwrite, app_service, app_admin;
