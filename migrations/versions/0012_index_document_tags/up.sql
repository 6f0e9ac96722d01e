-- Lists by tag and by a part of the title use an index. The policies' functions are planned once.

DROP INDEX document_tags_tag;
CREATE INDEX document_tags_tag ON document_tags (workspace_id, tag_id, document_id);

-- Documents of a workspace in whose title the text may stand; NULL where they are more than p_most. Found by the
-- trigrams of its words, which the index of search has; what waits to be indexed may have any title.
-- SECURITY DEFINER, like search: under row-level security @@ may not use an index.
CREATE FUNCTION app.titles_containing(p_workspace uuid, p_text text, p_most integer) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
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

-- PL/pgSQL keeps the plan for the session; before PostgreSQL 18 a function in SQL is planned at each call.
CREATE OR REPLACE FUNCTION app.workspace_ids(p_permission text DEFAULT 'can_read') RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  RETURN (SELECT coalesce(array_agg(id), '{}') FROM (
    SELECT w.id FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id
    WHERE m.user_id = app.user_id() AND m.is_active AND w.deleted_at IS NULL
      AND (w.archived_at IS NULL OR p_permission IN ('can_read', 'can_manage_workspace'))
      AND CASE m.permissions -> p_permission WHEN 'true' THEN true WHEN 'false' THEN false
          ELSE EXISTS (SELECT FROM role_permissions r WHERE r.role = m.role AND r.permission = p_permission) END
    UNION
    SELECT w.id FROM workspaces w
    WHERE w.kind = 'playground' AND w.deleted_at IS NULL
      AND (w.archived_at IS NULL OR p_permission IN ('can_read', 'can_manage_workspace'))
      AND EXISTS (SELECT FROM role_permissions r
                  WHERE r.role::text = app.setting('guest_role') AND r.role IN ('viewer', 'commenter', 'editor')
                    AND r.permission = p_permission)) allowed);
END $$;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.titles_containing(uuid, text, integer) TO app_readonly, app_readwrite, app_service, app_admin;
