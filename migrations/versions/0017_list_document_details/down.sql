DROP FUNCTION app.tagged_documents(uuid, uuid);
CREATE OR REPLACE FUNCTION app.search_titles(p_query text, p_workspace uuid, p_limit integer)
RETURNS TABLE (id uuid, workspace_id uuid, workspace_slug text, name text, title text, type text, similarity real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  enough constant real := 0.4;
  here uuid[] := app.workspace_ids('can_read');
  asked tsquery;
BEGIN
  IF p_workspace IS NOT NULL THEN
    here := CASE WHEN p_workspace = ANY (here) THEN ARRAY[p_workspace] ELSE '{}' END;
  END IF;
  SELECT string_agg(quote_literal(x), ' | ')::tsquery INTO asked
  FROM unnest(tsvector_to_array(app.trigrams(p_query))) x;
  RETURN QUERY
  WITH alike AS MATERIALIZED (
    SELECT i.document_id, (ts_rank('{1, 1, 1, 1}', i.title_trigrams, asked) * 1.64493406685)::real AS share
    FROM document_search i WHERE ARRAY[i.workspace_id] && here AND i.title_trigrams @@ asked OFFSET 0)
  SELECT d.id, d.workspace_id, w.slug, d.name, d.title, d.type::text, least(a.share, 1::real)
  FROM alike a JOIN documents d ON d.id = a.document_id JOIN workspaces w ON w.id = d.workspace_id
  WHERE a.share >= enough AND d.deleted_at IS NULL
  ORDER BY a.share DESC, length(d.title), d.updated_at DESC, d.id LIMIT p_limit;
END $$;
DROP FUNCTION app.trigrams_enough(text[], integer);
DROP FUNCTION app.documents_shown(uuid[]);
DROP FUNCTION app.document_details(uuid[], boolean);
DROP TYPE app.document_shown;
DROP FUNCTION app.standing(uuid);
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
CREATE OR REPLACE FUNCTION app.workspace_permissions(p_workspace uuid) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce(array_agg(DISTINCT allowed.permission), '{}') FROM (
    SELECT p.permission FROM workspace_members m
      CROSS JOIN (SELECT permission FROM role_permissions WHERE role = 'owner') p
    WHERE m.workspace_id = p_workspace AND m.user_id = app.user_id() AND m.is_active
      AND CASE m.permissions -> p.permission WHEN 'true' THEN true WHEN 'false' THEN false
          ELSE EXISTS (SELECT FROM role_permissions r WHERE r.role = m.role AND r.permission = p.permission) END
    UNION ALL
    SELECT r.permission FROM workspaces w JOIN role_permissions r ON r.role::text = app.setting('guest_role')
    WHERE w.id = p_workspace AND w.kind = 'playground' AND r.role IN ('viewer', 'commenter', 'editor')) allowed
  JOIN workspaces w ON w.id = p_workspace AND w.deleted_at IS NULL
  WHERE w.archived_at IS NULL OR allowed.permission IN ('can_read', 'can_manage_workspace') $$;
CREATE OR REPLACE FUNCTION app.document_permission(p_document uuid) RETURNS share_permission
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT CASE WHEN d.workspace_id = ANY (app.workspace_ids('can_delete_documents')) THEN 'admin'
              WHEN d.workspace_id = ANY (app.workspace_ids('can_edit_documents')) THEN 'write'
              WHEN d.workspace_id = ANY (app.workspace_ids('can_comment')) THEN 'comment'
              WHEN d.workspace_id = ANY (app.workspace_ids('can_read')) THEN 'read'
              WHEN d.is_public AND app.workspace_is_there(d.workspace_id) THEN 'read' END::share_permission
  FROM documents d WHERE d.id = p_document AND d.deleted_at IS NULL $$;
DROP FUNCTION app.permission_among(text[]);
