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
      SELECT x.document_id FROM document_tags x WHERE x.workspace_id = p_workspace AND x.tag_id = tags[1]);
    FOR i IN 2 .. cardinality(tags) LOOP
      documents := ARRAY(
        SELECT unnest(documents)
        INTERSECT
        SELECT x.document_id FROM document_tags x WHERE x.workspace_id = p_workspace AND x.tag_id = tags[i]);
    END LOOP;
  END IF;
  IF cardinality(documents) > p_most THEN documents := NULL; END IF;
END $$;
DROP FUNCTION app.documents_listed(uuid, text[], text, text, text[], uuid, uuid, text, boolean, boolean, boolean, text,
  boolean, integer, text, uuid);
DROP INDEX documents_ws_type;
