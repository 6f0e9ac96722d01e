DELETE FROM notifications WHERE kind IN ('share', 'access_request');
ALTER TABLE notifications DROP CONSTRAINT notifications_kind_check, ADD CONSTRAINT notifications_kind_check
  CHECK (kind IN ('mention', 'reply', 'comment', 'reaction', 'resolved', 'membership', 'invitation', 'role', 'document_changed',
                  'storage'));
DROP TRIGGER IF EXISTS claim_shares ON users;
DROP TRIGGER IF EXISTS link_tagged ON document_tags;
DROP TRIGGER IF EXISTS link_untagged ON document_tags;
DROP TRIGGER IF EXISTS link_category ON documents;
DROP FUNCTION IF EXISTS app.document_permissions_for(uuid[], uuid[], uuid[], text);
-- The next upgrade, also by an older server, creates these policies again.
DROP POLICY IF EXISTS tenant_update ON attachments;
DROP POLICY IF EXISTS tenant_write ON comment_mentions;
DROP POLICY IF EXISTS tenant_delete ON comment_mentions;
DROP POLICY IF EXISTS own_write ON comment_reactions;
DROP POLICY IF EXISTS tenant_read ON comments;
DROP POLICY IF EXISTS tenant_create ON comments;
DROP POLICY IF EXISTS tenant_update ON comments;
DROP POLICY IF EXISTS tenant_read ON suggestions;
DROP POLICY IF EXISTS tenant_create ON suggestions;
DROP POLICY IF EXISTS tenant_update ON suggestions;
DROP POLICY IF EXISTS own_delete ON suggestions;
DROP POLICY IF EXISTS own ON uploads;
CREATE OR REPLACE FUNCTION app.document_details(p_ids uuid[], p_trusted boolean) RETURNS SETOF app.document_shown
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
    d.word_count, left(d.content, 1000), d.row_version, w.permission, coalesce(d.created_by = me, false),
    (here -> d.id::text)::text
  FROM documents d JOIN places w ON w.id = d.workspace_id LEFT JOIN document_stats s ON s.document_id = d.id
  WHERE d.id = ANY (p_ids) AND (w.member OR (d.is_public AND d.deleted_at IS NULL));
END $$;
REVOKE EXECUTE ON FUNCTION app.document_details(uuid[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.document_details(uuid[], boolean) TO app_service, app_admin;
-- What the caller may do with a document, in one round trip: NULL, 'read', 'comment', 'write' or 'admin'.
CREATE OR REPLACE FUNCTION app.document_permission(p_document uuid) RETURNS share_permission
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  place uuid;
  open_to_all boolean;
  permission text;
BEGIN
  SELECT d.workspace_id, d.is_public INTO place, open_to_all FROM documents d
    WHERE d.id = p_document AND (d.deleted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now()));
  IF NOT FOUND THEN RETURN NULL; END IF;
  permission := app.permission_among(app.workspace_permissions(place));
  IF permission IS NULL AND open_to_all AND app.workspace_is_there(place) THEN permission := 'read'; END IF;
  RETURN permission;
END $$;
REVOKE EXECUTE ON FUNCTION app.document_permission(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.document_permission(uuid) TO app_readonly, app_readwrite, app_service, app_admin;
-- app.document_permission for many at once, as whoever is named: p_users[n] (NULL: a guest) in p_documents[n]. Nobody
-- who is deactivated may do anything. One statement over all: asking that function a thousand times takes seconds, as
-- each call plans five queries. A test holds the two together.
CREATE OR REPLACE FUNCTION app.document_permissions_for(p_users uuid[], p_documents uuid[], p_guest_role text DEFAULT '')
RETURNS TABLE (user_id uuid, document_id uuid, permission share_permission)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT asked.user_id, asked.document_id,
    CASE WHEN d.id IS NULL OR (asked.user_id IS NOT NULL AND u.id IS NULL) THEN NULL
         WHEN 'can_delete_documents' = ANY (allowed.permissions) THEN 'admin'
         WHEN 'can_edit_documents' = ANY (allowed.permissions) THEN 'write'
         WHEN 'can_comment' = ANY (allowed.permissions) THEN 'comment'
         WHEN 'can_read' = ANY (allowed.permissions) OR (d.is_public AND w.id IS NOT NULL) THEN 'read' END::share_permission
  FROM unnest(p_users, p_documents) asked (user_id, document_id)
  LEFT JOIN users u ON u.id = asked.user_id AND u.is_active AND u.deleted_at IS NULL
  LEFT JOIN documents d ON d.id = asked.document_id AND (d.deleted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now()))
  LEFT JOIN workspaces w ON w.id = d.workspace_id AND w.deleted_at IS NULL
  LEFT JOIN workspace_members m ON m.workspace_id = w.id AND m.user_id = u.id AND m.is_active
  CROSS JOIN LATERAL (
    SELECT array_agg(p.permission) AS permissions FROM (SELECT permission FROM role_permissions WHERE role = 'owner') p
    WHERE (w.archived_at IS NULL OR p.permission = 'can_read')
      AND (CASE m.permissions -> p.permission WHEN 'true' THEN true WHEN 'false' THEN false
           ELSE EXISTS (SELECT FROM role_permissions r WHERE r.role = m.role AND r.permission = p.permission) END
           OR (w.kind = 'playground' AND EXISTS (
               SELECT FROM role_permissions r WHERE r.role::text = p_guest_role AND r.permission = p.permission
                 AND r.role IN ('viewer', 'commenter', 'editor'))))) allowed $$;
REVOKE EXECUTE ON FUNCTION app.document_permissions_for(uuid[], uuid[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.document_permissions_for(uuid[], uuid[], text) TO app_service, app_admin;
-- Hash, size and the flag of carriage returns follow the text; row_version and updated_at move for a real change only.
CREATE OR REPLACE FUNCTION app.documents_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' OR NEW.content IS DISTINCT FROM OLD.content THEN
    NEW.content_hash := encode(sha256(convert_to(NEW.content, 'UTF8')), 'hex');  -- content::bytea fails on backslashes
    NEW.content_bytes := octet_length(NEW.content);
    NEW.content_has_returns := strpos(NEW.content, chr(13)) > 0;
    IF TG_OP = 'UPDATE' THEN NEW.last_edited_at := now(); END IF;
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.expires_at IS NOT NULL THEN
      IF current_user = 'app_readwrite' AND (NEW.created_by = app.user_id()) IS NOT TRUE
         AND NOT NEW.workspace_id = ANY (app.workspace_ids('can_delete_documents')) THEN
        RAISE EXCEPTION 'an expiry needs can_delete_documents or authorship' USING ERRCODE = 'insufficient_privilege';
      END IF;
      NEW.expires_set_by := app.user_id();
    END IF;
    RETURN NEW;
  END IF;
  IF current_user = 'app_readwrite'
     AND (NEW.deleted_at, NEW.is_public, NEW.expires_at)
       IS DISTINCT FROM (OLD.deleted_at, OLD.is_public, OLD.expires_at)
     AND (OLD.created_by = app.user_id()) IS NOT TRUE
     AND NOT OLD.workspace_id = ANY (app.workspace_ids('can_delete_documents')) THEN
    RAISE EXCEPTION 'deleting, publishing or an expiry needs can_delete_documents or authorship'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  -- A restored document does not go back into the trash by itself.
  IF OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL AND NEW.expires_at <= now() THEN
    NEW.expires_at := NULL;
  END IF;
  IF NEW.expires_at IS DISTINCT FROM OLD.expires_at THEN
    NEW.expires_set_by := CASE WHEN NEW.expires_at IS NOT NULL THEN app.user_id() END;
  END IF;
  IF (NEW.content_hash, NEW.name, NEW.title, NEW.description, NEW.type, NEW.status, NEW.priority, NEW.language,
      NEW.generation, NEW.metadata, NEW.settings, NEW.category_id, NEW.workspace_id, NEW.is_public, NEW.is_template,
      NEW.content_encrypted, NEW.published_at, NEW.expires_at, NEW.deleted_at)
     IS DISTINCT FROM
     (OLD.content_hash, OLD.name, OLD.title, OLD.description, OLD.type, OLD.status, OLD.priority, OLD.language,
      OLD.generation, OLD.metadata, OLD.settings, OLD.category_id, OLD.workspace_id, OLD.is_public, OLD.is_template,
      OLD.content_encrypted, OLD.published_at, OLD.expires_at, OLD.deleted_at) THEN
    NEW.updated_at := now();
    NEW.row_version := OLD.row_version + 1;
    NEW.updated_by := coalesce(app.user_id(), NEW.updated_by);
  END IF;
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION app.documents_before() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.documents_before() TO app_service, app_admin;
-- Seconds until the next document expires; NULL: none does.
CREATE OR REPLACE FUNCTION app.next_expiry() RETURNS float8
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT extract(epoch FROM min(expires_at) - clock_timestamp())::float8 FROM documents
  WHERE expires_at IS NOT NULL AND deleted_at IS NULL $$;
REVOKE EXECUTE ON FUNCTION app.next_expiry() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.next_expiry() TO app_service, app_admin;
CREATE OR REPLACE FUNCTION app.peer_ids() RETURNS uuid[] LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE me uuid := app.user_id();
BEGIN
  RETURN ARRAY(
    SELECT DISTINCT other.user_id FROM workspace_members mine JOIN workspace_members other USING (workspace_id)
    WHERE mine.user_id = me AND mine.is_active);
END $$;
REVOKE EXECUTE ON FUNCTION app.peer_ids() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.peer_ids() TO app_readonly, app_readwrite, app_service, app_admin;
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
  narrowed boolean := p_type IS NOT NULL OR p_tags IS NOT NULL;
BEGIN
  IF p_workspace IS NOT NULL THEN
    here := CASE WHEN p_workspace = ANY (here) THEN ARRAY[p_workspace] ELSE '{}' END;
  END IF;
  RETURN QUERY
  WITH asked AS MATERIALIZED (
    SELECT a.language, a.query, app.search_words(a.query) AS words FROM app.search_queries(p_query, p_last) a),
  hits AS MATERIALIZED (
    SELECT s.document_id, s.changed_at, a.language, a.query FROM asked a CROSS JOIN LATERAL (
      SELECT i.document_id, i.changed_at FROM document_search i
      WHERE ARRAY[i.workspace_id] && here AND i.tsv @@ a.query AND i.language = a.language
      ORDER BY i.changed_at DESC, i.document_id LIMIT ranked + 1) s
    WHERE NOT narrowed AND a.words = a.query
    UNION ALL  -- What takes a look at each document is asked of as many as it takes.
    SELECT s.document_id, s.changed_at, a.language, a.query FROM asked a CROSS JOIN LATERAL (
      SELECT c.document_id, c.changed_at FROM (
        SELECT i.document_id, i.changed_at, i.tsv FROM document_search i
        WHERE ARRAY[i.workspace_id] && here AND i.tsv @@ a.words AND i.language = a.language
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
        WHERE ARRAY[i.workspace_id] && here AND i.title_words @@ a.query AND i.language = a.language
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
  SELECT d.id, d.workspace_id, w.slug, d.name, d.title, d.type::text, d.updated_at, p.rank,
    app.search_snippet(app.fts_config(p.language), CASE WHEN d.content_encrypted IS NULL THEN d.content ELSE '' END,
      p.query, concat_ws(' ', p_query, p_last)),
    app.search_marked(app.fts_config(p.language), d.title, p.query)
  FROM page p JOIN documents d ON d.id = p.document_id JOIN workspaces w ON w.id = d.workspace_id
  ORDER BY p.rank DESC, d.id DESC;
END $$;
REVOKE EXECUTE ON FUNCTION app.search_documents(text, text, uuid, text, text[], integer, real, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_documents(text, text, uuid, text, text[], integer, real, uuid) TO app_readonly, app_readwrite, app_service, app_admin;
-- What is asked for, in every language that documents have which the caller may see: each is matched as it was indexed.
CREATE OR REPLACE FUNCTION app.search_queries(p_query text, p_last text) RETURNS TABLE (language text, query tsquery)
LANGUAGE plpgsql STABLE SET client_min_messages = warning AS $$
DECLARE
  most constant integer := 40;
  here uuid[] := app.workspace_ids('can_read');
BEGIN
  FOR language IN
    WITH RECURSIVE known AS (
      (SELECT s.language AS name, 1 AS number FROM document_search s ORDER BY 1 LIMIT 1)
      UNION ALL
      SELECT (SELECT s.language FROM document_search s WHERE s.language > known.name ORDER BY 1 LIMIT 1), number + 1
      FROM known WHERE known.name IS NOT NULL AND number < 4 * most)
    SELECT name FROM known
    WHERE name IS NOT NULL
      AND EXISTS (SELECT FROM document_search s WHERE s.language = known.name AND s.workspace_id = ANY (here))
    LIMIT most
  LOOP
    query := app.search_query(app.fts_config(language), p_query, p_last);
    IF querytree(query) NOT IN ('', 'T') THEN RETURN NEXT; END IF;
  END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION app.search_queries(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_queries(text, text) TO app_service, app_admin;
-- The index keeps a list for each workspace, too. To merge those of many takes longer than to look at the workspace of
-- the few documents that have the trigrams.
CREATE OR REPLACE FUNCTION app.search_titles(p_query text, p_workspace uuid, p_limit integer)
RETURNS TABLE (id uuid, workspace_id uuid, workspace_slug text, name text, title text, type text, similarity real)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  here uuid[] := app.workspace_ids('can_read');
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
  everywhere := cardinality(here) > 8;
  SELECT string_agg(quote_literal(x), ' | ')::tsquery INTO asked FROM unnest(trigrams) x;
  narrow := app.trigrams_enough(trigrams, enough);
  RETURN QUERY
  WITH alike AS MATERIALIZED (
    SELECT i.document_id,  -- how many of them it has: a rank of these weights without positions is their share
      round(ts_rank('{1, 1, 1, 1}', i.title_trigrams, asked) * 1.64493406685 * cardinality(trigrams))::integer AS common
    FROM (
      SELECT x.document_id, x.title_trigrams FROM document_search x
      WHERE NOT everywhere AND ARRAY[x.workspace_id] && here AND x.title_trigrams @@ narrow
      UNION ALL
      SELECT x.document_id, x.title_trigrams FROM document_search x
      WHERE everywhere AND x.workspace_id = ANY (here) AND x.title_trigrams @@ narrow) i
    OFFSET 0)
  SELECT d.id, d.workspace_id, w.slug, d.name, d.title, d.type::text,
    (a.common::float8 / cardinality(trigrams))::real
  FROM alike a JOIN documents d ON d.id = a.document_id JOIN workspaces w ON w.id = d.workspace_id
  WHERE a.common >= enough AND (d.deleted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now()))
  ORDER BY a.common DESC, length(d.title), d.updated_at DESC, d.id LIMIT p_limit;
END $$;
REVOKE EXECUTE ON FUNCTION app.search_titles(text, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_titles(text, uuid, integer) TO app_readonly, app_readwrite, app_service, app_admin;
DROP POLICY IF EXISTS internal ON documents;
CREATE POLICY internal ON documents TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS doc_read ON documents;
CREATE POLICY doc_read ON documents FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[])
         OR (is_public AND deleted_at IS NULL AND app.workspace_is_there(workspace_id)));
DROP POLICY IF EXISTS doc_create ON documents;
CREATE POLICY doc_create ON documents FOR INSERT TO app_readwrite
  WITH CHECK (workspace_id = ANY ((SELECT app.workspace_ids('can_create_documents'))::uuid[])
              AND created_by IS NOT DISTINCT FROM (SELECT app.user_id()));
DROP POLICY IF EXISTS doc_update ON documents;
CREATE POLICY doc_update ON documents FOR UPDATE TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[])
         OR workspace_id = ANY ((SELECT app.workspace_ids('can_delete_documents'))::uuid[]));
DROP POLICY IF EXISTS doc_delete ON documents;
CREATE POLICY doc_delete ON documents FOR DELETE TO app_readwrite
  USING (deleted_at IS NOT NULL AND (workspace_id = ANY ((SELECT app.workspace_ids('can_delete_documents'))::uuid[])
         OR (created_by = (SELECT app.user_id())
             AND workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]))));
-- In the trash a document is not expired: who may bring it back sees it there.
DROP POLICY IF EXISTS doc_not_expired ON documents;
CREATE POLICY doc_not_expired ON documents AS RESTRICTIVE FOR SELECT TO app_readonly, app_readwrite
  USING (deleted_at IS NOT NULL OR expires_at IS NULL OR expires_at > now());
DROP POLICY IF EXISTS internal ON sync_conflicts;
CREATE POLICY internal ON sync_conflicts TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS via_document ON sync_conflicts;
CREATE POLICY via_document ON sync_conflicts FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = sync_conflicts.document_id));
DROP POLICY IF EXISTS own_insert ON sync_conflicts;
CREATE POLICY own_insert ON sync_conflicts FOR INSERT TO app_readwrite
  WITH CHECK (user_id = app.user_id()
              AND workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]));
DROP POLICY IF EXISTS internal ON sync_floors;
CREATE POLICY internal ON sync_floors FOR SELECT TO app_service, app_admin USING (true);
DROP POLICY IF EXISTS tenant_read ON sync_floors;
CREATE POLICY tenant_read ON sync_floors FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]));
DROP POLICY IF EXISTS internal ON sync_log;
CREATE POLICY internal ON sync_log FOR SELECT TO app_service, app_admin USING (true);
DROP POLICY IF EXISTS feed_read ON sync_log;
CREATE POLICY feed_read ON sync_log FOR SELECT TO app_readwrite, app_readonly
  USING ((target_user_id IS NULL AND workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]))
         OR target_user_id = (SELECT app.user_id()));
DROP TABLE access_requests, share_openings, shares;
DROP FUNCTION IF EXISTS app.share_before, app.share_changed, app.claim_shares, app.expire_shares, app.open_share, app.give_back_share,
  app.link_tag_changed, app.link_category_changed, app.request_access, app.link_documents, app.category_tree, app.may_share,
  app.sharing_workspaces, app.shared_outside, app.share_permission, app.shared_documents, app.share_id;
