-- One function returns document details and checks the rights once. Cheaper rights checks.

-- The roles that have a permission are looked up once, and departures from a role only where a member has some.
CREATE OR REPLACE FUNCTION app.workspace_ids(p_permission text DEFAULT 'can_read') RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  me uuid := app.user_id();
  roles workspace_role[] := ARRAY(SELECT role FROM role_permissions WHERE permission = p_permission);
  in_archives boolean := p_permission IN ('can_read', 'can_manage_workspace');
  guest text := app.setting('guest_role');
  found uuid[];
BEGIN
  found := ARRAY(
    SELECT m.workspace_id FROM workspace_members m JOIN workspaces w ON w.id = m.workspace_id
    WHERE m.user_id = me AND m.is_active AND w.deleted_at IS NULL AND (w.archived_at IS NULL OR in_archives)
      AND CASE WHEN m.permissions = '{}' THEN m.role = ANY (roles)
          ELSE CASE m.permissions -> p_permission WHEN 'true' THEN true WHEN 'false' THEN false
               ELSE m.role = ANY (roles) END END);
  IF guest IN ('viewer', 'commenter', 'editor') AND guest::workspace_role = ANY (roles) THEN
    found := found || ARRAY(
      SELECT w.id FROM workspaces w
      WHERE w.kind = 'playground' AND w.deleted_at IS NULL AND (w.archived_at IS NULL OR in_archives)
        AND w.id <> ALL (found));
  END IF;
  RETURN found;
END $$;

-- PL/pgSQL keeps the plans for the session.
CREATE OR REPLACE FUNCTION app.workspace_permissions(p_workspace uuid) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  guest text := app.setting('guest_role');
  place record;
  mine record;
  allowed text[] := '{}';
BEGIN
  SELECT w.kind, w.archived_at IS NOT NULL AS archived INTO place FROM workspaces w
    WHERE w.id = p_workspace AND w.deleted_at IS NULL;
  IF NOT FOUND THEN RETURN allowed; END IF;
  SELECT m.role, m.permissions INTO mine FROM workspace_members m
    WHERE m.workspace_id = p_workspace AND m.user_id = app.user_id() AND m.is_active;
  IF FOUND THEN
    IF mine.permissions = '{}' THEN
      allowed := ARRAY(SELECT r.permission FROM role_permissions r WHERE r.role = mine.role);
    ELSE
      allowed := app.effective_permissions(mine.role, mine.permissions);
    END IF;
  END IF;
  IF place.kind = 'playground' AND guest IN ('viewer', 'commenter', 'editor') THEN
    allowed := allowed || ARRAY(SELECT r.permission FROM role_permissions r
      WHERE r.role = guest::workspace_role AND r.permission <> ALL (allowed));
  END IF;
  IF place.archived THEN
    allowed := ARRAY(SELECT x FROM unnest(allowed) x WHERE x IN ('can_read', 'can_manage_workspace'));
  END IF;
  RETURN allowed;
END $$;

-- One document lies in one workspace: nobody's rights in all others need be known.
CREATE FUNCTION app.permission_among(p_permissions text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN 'can_delete_documents' = ANY (p_permissions) THEN 'admin'
              WHEN 'can_edit_documents' = ANY (p_permissions) THEN 'write'
              WHEN 'can_comment' = ANY (p_permissions) THEN 'comment'
              WHEN 'can_read' = ANY (p_permissions) THEN 'read' END $$;
CREATE OR REPLACE FUNCTION app.document_permission(p_document uuid) RETURNS share_permission
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  place uuid;
  open_to_all boolean;
  permission text;
BEGIN
  SELECT d.workspace_id, d.is_public INTO place, open_to_all FROM documents d
    WHERE d.id = p_document AND d.deleted_at IS NULL;
  IF NOT FOUND THEN RETURN NULL; END IF;
  permission := app.permission_among(app.workspace_permissions(place));
  IF permission IS NULL AND open_to_all AND app.workspace_is_there(place) THEN permission := 'read'; END IF;
  RETURN permission;
END $$;

-- The caller's standing in a workspace: no row where it is absent, deleted, or nothing of it is theirs.
CREATE FUNCTION app.standing(p_workspace uuid) RETURNS TABLE (role text, permissions text[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  permissions := app.workspace_permissions(p_workspace);
  IF permissions = '{}' THEN RETURN; END IF;
  SELECT m.role::text INTO role FROM workspace_members m
    WHERE m.workspace_id = p_workspace AND m.user_id = app.user_id() AND m.is_active;
  RETURN NEXT;
END $$;

-- Everything that is shown of documents, in no order. p_trusted: whoever asks has looked at the rights (the bearer of a
-- connect token has none here); else only what the caller may read, with the names of people whom the caller knows.
CREATE TYPE app.document_shown AS (
  id uuid, workspace_id uuid, workspace_slug text, name text, title text, description text, type text,
  status text, priority text, language text, metadata text, settings text, tags text, category_id uuid,
  is_template boolean, template_id uuid, is_public boolean, is_favourite boolean, view_count bigint,
  created_by uuid, created_by_name text, updated_by uuid, updated_by_name text, created_at timestamptz,
  updated_at timestamptz, last_edited_at timestamptz, published_at timestamptz, expires_at timestamptz,
  deleted_at timestamptz, content_bytes integer, word_count integer, excerpt text, row_version bigint,
  permission text, own boolean, present text);
CREATE FUNCTION app.document_details(p_ids uuid[], p_trusted boolean) RETURNS SETOF app.document_shown
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  me uuid := app.user_id();
  names jsonb;   -- of people, by id
  labels jsonb;  -- tags, by document
  here jsonb;    -- [how many, the first five], by document
BEGIN
  SELECT jsonb_object_agg(x.document_id, x.tags) INTO labels FROM (
    SELECT x.document_id, jsonb_agg(jsonb_build_object('id', t.id, 'name', t.name, 'slug', t.slug, 'color', t.color)
                                    ORDER BY lower(t.name), t.id) AS tags
    FROM document_tags x JOIN tags t ON t.id = x.tag_id WHERE x.document_id = ANY (p_ids) GROUP BY x.document_id) x;
  SELECT jsonb_object_agg(u.id, coalesce(u.display_name, u.username, u.email)) INTO names FROM users u
  WHERE u.id IN (SELECT d.created_by FROM documents d WHERE d.id = ANY (p_ids)
                 UNION SELECT d.updated_by FROM documents d WHERE d.id = ANY (p_ids)
                 UNION SELECT p.user_id FROM presence p WHERE p.document_id = ANY (p_ids))
    AND (p_trusted OR u.id = me OR EXISTS (
      SELECT FROM workspace_members other
        JOIN workspace_members mine ON mine.workspace_id = other.workspace_id AND mine.user_id = me AND mine.is_active
      WHERE other.user_id = u.id));
  SELECT jsonb_object_agg(y.document_id, y.present) INTO here FROM (
    SELECT x.document_id, jsonb_build_array(count(*), jsonb_agg(jsonb_build_object(
        'user_id', x.user_id, 'name', coalesce(x.guest_name, names ->> x.user_id::text)) ORDER BY x.place)
      FILTER (WHERE x.place <= 5)) AS present
    FROM (SELECT p.document_id, p.user_id, CASE WHEN p.user_id IS NULL THEN p.guest_name END AS guest_name,
            row_number() OVER (PARTITION BY p.document_id ORDER BY min(p.connected_at), p.user_id) AS place
          FROM active_presence p WHERE p.document_id = ANY (p_ids)
          GROUP BY 1, 2, 3, CASE WHEN p.user_id IS NULL THEN p.connection_id END) x
    GROUP BY x.document_id) y;
  RETURN QUERY
  WITH places AS MATERIALIZED (
    SELECT w.id, p_trusted OR 'can_read' = ANY (p.permissions) AS member,
      CASE WHEN p_trusted THEN 'admin' ELSE coalesce(app.permission_among(p.permissions), 'read') END AS permission,
      CASE WHEN p_trusted OR w.owner_id = me OR 'can_read' = ANY (p.permissions) THEN w.slug END AS slug
    FROM (SELECT DISTINCT d.workspace_id FROM documents d WHERE d.id = ANY (p_ids)) x
      JOIN workspaces w ON w.id = x.workspace_id AND (p_trusted OR w.deleted_at IS NULL)
      CROSS JOIN LATERAL (
        SELECT CASE WHEN NOT p_trusted THEN app.workspace_permissions(w.id) END AS permissions OFFSET 0) p)
  SELECT d.id, d.workspace_id, w.slug, d.name, d.title, d.description, d.type::text, d.status, d.priority, d.language,
    d.metadata::text, d.settings::text, CASE WHEN w.member THEN (labels -> d.id::text)::text END,
    d.category_id, d.is_template, d.template_id, d.is_public,
    EXISTS (SELECT FROM document_favourites f WHERE f.document_id = d.id AND f.user_id = me),
    coalesce(s.view_count, 0), d.created_by, names ->> d.created_by::text, d.updated_by, names ->> d.updated_by::text,
    d.created_at, d.updated_at, d.last_edited_at, d.published_at, d.expires_at, d.deleted_at, d.content_bytes,
    d.word_count, left(d.content, 400), d.row_version, w.permission, coalesce(d.created_by = me, false),
    (here -> d.id::text)::text
  FROM documents d JOIN places w ON w.id = d.workspace_id LEFT JOIN document_stats s ON s.document_id = d.id
  WHERE d.id = ANY (p_ids) AND (w.member OR (d.is_public AND d.deleted_at IS NULL));
END $$;
-- SECURITY DEFINER with a check of its own, like search: the policies would ask for the rights in every workspace a
-- dozen times over. Which documents a page has is asked under the policies all the same.
CREATE FUNCTION app.documents_shown(p_ids uuid[]) RETURNS SETOF app.document_shown
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  RETURN QUERY SELECT * FROM app.document_details(p_ids, false);
END $$;

-- A title with at least p_least of these trigrams has at least three of them when p_least - 3 are left out: the most
-- common ones, so that their long lists need not be read. Which these are, ANALYZE has noted. The query finds more than
-- is wanted, never less. Three of many makes a long query: then it is one of many.
CREATE FUNCTION app.trigrams_enough(p_trigrams text[], p_least integer) RETURNS tsquery
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
  several constant integer :=
    CASE WHEN p_least < 2 OR cardinality(p_trigrams) > 50 THEN 1 ELSE least(p_least, 3) END;
  rare text[];  -- the rarest first
  ones text[];    -- what finds one of a group, two, and three of it; the groups are joined in pairs
  twos text[];
  threes text[];
BEGIN
  SELECT array_agg(quote_literal(x.trigram) ORDER BY s.frequency NULLS FIRST, x.trigram) INTO rare
  FROM unnest(p_trigrams) x (trigram) LEFT JOIN (
    SELECT e.trigram, f.frequency
    FROM pg_stats p, unnest(p.most_common_elems::text::text[]) WITH ORDINALITY e (trigram, place)
      JOIN unnest(p.most_common_elem_freqs) WITH ORDINALITY f (frequency, place) USING (place)
    WHERE p.schemaname = 'public' AND p.tablename = 'document_search' AND p.attname = 'title_trigrams') s
    USING (trigram);
  ones := rare[:cardinality(rare) - greatest(1, p_least) + several];
  twos := array_fill(NULL::text, ARRAY[cardinality(ones)]);
  threes := twos;
  WHILE cardinality(ones) > 1 LOOP
    SELECT array_agg(nullif(concat_ws(' | ', a.one, b.one), '') ORDER BY a.place),
      array_agg(nullif(concat_ws(' | ', a.two, b.two, '(' || a.one || ') & (' || b.one || ')'), '') ORDER BY a.place),
      array_agg(nullif(concat_ws(' | ', a.three, b.three, '(' || a.two || ') & (' || b.one || ')',
                          '(' || a.one || ') & (' || b.two || ')'), '') ORDER BY a.place)
    INTO ones, twos, threes
    FROM unnest(ones, twos, threes) WITH ORDINALITY a (one, two, three, place)
      LEFT JOIN unnest(ones, twos, threes) WITH ORDINALITY b (one, two, three, place) ON b.place = a.place + 1
    WHERE a.place % 2 = 1;
  END LOOP;
  RETURN (ARRAY[ones[1], twos[1], threes[1]])[several]::tsquery;
END $$;
CREATE OR REPLACE FUNCTION app.search_titles(p_query text, p_workspace uuid, p_limit integer)
RETURNS TABLE (id uuid, workspace_id uuid, workspace_slug text, name text, title text, type text, similarity real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
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

-- Counted without asking the policies about every tagged document; fewer are in the trash than not, so these are taken
-- off one by one.
CREATE FUNCTION app.tagged_documents(p_workspace uuid, p_tag uuid) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF 'can_read' <> ALL (app.workspace_permissions(p_workspace)) THEN RETURN 0; END IF;
  RETURN (SELECT count(*) FROM document_tags x WHERE x.workspace_id = p_workspace AND x.tag_id = p_tag)
    - (SELECT count(*) FROM documents d JOIN document_tags x ON x.document_id = d.id
       WHERE d.workspace_id = p_workspace AND d.deleted_at IS NOT NULL AND x.tag_id = p_tag);
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.permission_among(text[]), app.standing(uuid), app.documents_shown(uuid[]),
  app.tagged_documents(uuid, uuid)
  TO app_readonly, app_readwrite, app_service, app_admin;
GRANT EXECUTE ON FUNCTION app.document_details(uuid[], boolean), app.trigrams_enough(text[], integer)
  TO app_service, app_admin;
