CREATE OR REPLACE FUNCTION app.document_details(p_ids uuid[], p_trusted boolean) RETURNS SETOF app.document_shown
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  me uuid := app.user_id();
  names jsonb;   -- [name, address of the picture] of people, by id
  labels jsonb;  -- tags, by document
  here jsonb;    -- [how many, the first five], by document
  shared uuid[];
BEGIN
  shared := CASE WHEN p_trusted THEN '{}' ELSE ARRAY(SELECT x FROM unnest(app.shared_documents('read')) x WHERE x = ANY (p_ids)) END;
  SELECT jsonb_object_agg(x.document_id, x.tags) INTO labels FROM (
    SELECT x.document_id, jsonb_agg(jsonb_build_object('id', t.id, 'name', t.name, 'slug', t.slug, 'color', t.color)
                                    ORDER BY lower(t.name), t.id) AS tags
    FROM document_tags x JOIN tags t ON t.id = x.tag_id WHERE x.document_id = ANY (p_ids) GROUP BY x.document_id) x;
  SELECT jsonb_object_agg(u.id, jsonb_build_array(coalesce(u.display_name, u.username, u.email), u.avatar_url)) INTO names FROM users u
  WHERE u.id IN (SELECT d.created_by FROM documents d WHERE d.id = ANY (p_ids)
                 UNION SELECT d.updated_by FROM documents d WHERE d.id = ANY (p_ids)
                 UNION SELECT p.user_id FROM presence p WHERE p.document_id = ANY (p_ids))
    AND (p_trusted OR u.id = me
      OR u.id IN (SELECT d.created_by FROM documents d WHERE d.id = ANY (shared)
                  UNION SELECT d.updated_by FROM documents d WHERE d.id = ANY (shared)
                  UNION SELECT p.user_id FROM presence p WHERE p.document_id = ANY (shared))
      OR EXISTS (
      SELECT FROM workspace_members other
        JOIN workspace_members mine ON mine.workspace_id = other.workspace_id AND mine.user_id = me AND mine.is_active
      WHERE other.user_id = u.id));
  SELECT jsonb_object_agg(y.document_id, y.present) INTO here FROM (
    SELECT x.document_id, jsonb_build_array(count(*), jsonb_agg(jsonb_build_object(
        'user_id', x.user_id, 'name', coalesce(x.guest_name, names -> x.user_id::text ->> 0),
        'avatar_url', names -> x.user_id::text -> 1) ORDER BY x.place)
      FILTER (WHERE x.place <= 5)) AS present
    FROM (SELECT p.document_id, p.user_id, CASE WHEN p.user_id IS NULL THEN p.guest_name END AS guest_name,
            row_number() OVER (PARTITION BY p.document_id ORDER BY min(p.connected_at), p.user_id) AS place
          FROM active_presence p WHERE p.document_id = ANY (p_ids)
          GROUP BY 1, 2, 3, CASE WHEN p.user_id IS NULL THEN p.connection_id END) x
    GROUP BY x.document_id) y;
  RETURN QUERY
  WITH places AS MATERIALIZED (
    SELECT w.id, p_trusted OR 'can_read' = ANY (p.permissions) AS member,
      CASE WHEN p_trusted THEN 'admin' ELSE app.permission_among(p.permissions) END AS permission,
      CASE WHEN p_trusted OR w.owner_id = me OR 'can_read' = ANY (p.permissions) THEN w.slug END AS slug
    FROM (SELECT DISTINCT d.workspace_id FROM documents d WHERE d.id = ANY (p_ids)) x
      JOIN workspaces w ON w.id = x.workspace_id AND (p_trusted OR w.deleted_at IS NULL)
      CROSS JOIN LATERAL (
        SELECT CASE WHEN NOT p_trusted THEN app.workspace_permissions(w.id) END AS permissions OFFSET 0) p)
  SELECT d.id, d.workspace_id, w.slug, d.name, d.title, d.description, d.type::text, d.status, d.priority, d.language,
    d.metadata::text, d.settings::text, CASE WHEN w.member THEN (labels -> d.id::text)::text END,
    d.category_id, d.is_template, d.template_id, d.is_public,
    EXISTS (SELECT FROM document_favourites f WHERE f.document_id = d.id AND f.user_id = me),
    coalesce(s.view_count, 0), d.created_by, names -> d.created_by::text ->> 0, d.updated_by, names -> d.updated_by::text ->> 0,
    d.created_at, d.updated_at, d.last_edited_at, d.published_at, d.expires_at, d.deleted_at, d.content_bytes,
    d.word_count, left(d.content, 1000), d.row_version,
    coalesce(greatest(w.permission::share_permission,
                      CASE WHEN d.id = ANY (shared) THEN app.share_permission(d.id, me, app.share_id()) END)::text, 'read'), coalesce(d.created_by = me, false),
    (here -> d.id::text)::text
  FROM documents d JOIN places w ON w.id = d.workspace_id LEFT JOIN document_stats s ON s.document_id = d.id
  WHERE d.id = ANY (p_ids) AND (w.member OR (d.is_public AND d.deleted_at IS NULL) OR d.id = ANY (shared));
END $$;
REVOKE EXECUTE ON FUNCTION app.document_details(uuid[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.document_details(uuid[], boolean) TO app_service, app_admin;
