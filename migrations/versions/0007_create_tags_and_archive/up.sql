-- Tags, categories, favourites, view counts, moves, and the archive of deleted documents.

CREATE TABLE tags (  -- per workspace: global names would leak, and could be squatted
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  name text NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 50), slug text NOT NULL,
  color text NOT NULL DEFAULT '#3B82F6' CHECK (color ~ '^#[0-9A-Fa-f]{6}$'),
  description text CHECK (length(description) <= 1000),
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (workspace_id, id), UNIQUE (workspace_id, slug));
-- No counter of uses: it would serialise everybody who tags with one name, and count what is in the trash.
CREATE TABLE document_tags (
  document_id uuid NOT NULL, tag_id uuid NOT NULL, workspace_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (document_id, tag_id),
  FOREIGN KEY (document_id, workspace_id) REFERENCES documents (id, workspace_id) ON DELETE CASCADE,
  FOREIGN KEY (workspace_id, tag_id) REFERENCES tags (workspace_id, id) ON DELETE CASCADE);
CREATE INDEX document_tags_tag ON document_tags (workspace_id, tag_id);

CREATE TABLE categories (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE, parent_id uuid CHECK (parent_id <> id),
  name text NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 100), slug text NOT NULL,
  color text CHECK (color ~ '^#[0-9A-Fa-f]{6}$'), icon text CHECK (length(icon) <= 100),
  description text CHECK (length(description) <= 1000), position integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (workspace_id, id), UNIQUE NULLS NOT DISTINCT (workspace_id, parent_id, slug),
  FOREIGN KEY (workspace_id, parent_id) REFERENCES categories (workspace_id, id) ON DELETE SET NULL (parent_id));
CREATE INDEX categories_parent ON categories (parent_id) WHERE parent_id IS NOT NULL;
ALTER TABLE documents ADD CONSTRAINT documents_category_fkey
  FOREIGN KEY (workspace_id, category_id) REFERENCES categories (workspace_id, id) ON DELETE SET NULL (category_id);

CREATE TABLE document_favourites (
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (user_id, document_id));
CREATE INDEX document_favourites_document ON document_favourites (document_id);
CREATE TABLE document_views (  -- when somebody last saw a document; written in batches
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
  viewed_at timestamptz NOT NULL, PRIMARY KEY (user_id, document_id)) WITH (fillfactor = 80);
CREATE INDEX document_views_document ON document_views (document_id);

CREATE TABLE document_archive (  -- what the purge took, for an operator to bring back; nobody else reads it
  document_id uuid PRIMARY KEY, workspace_id uuid NOT NULL, name text, title text NOT NULL, description text,
  type text NOT NULL, content text NOT NULL, yjs_state bytea,
  pending bytea[] NOT NULL,  -- updates that were not folded into yjs_state, in their order
  content_encrypted bytea, encryption jsonb, metadata jsonb NOT NULL, settings jsonb NOT NULL,
  tags text[] NOT NULL, created_by uuid, created_at timestamptz NOT NULL, deleted_by uuid, deleted_at timestamptz,
  archived_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX document_archive_archived ON document_archive (archived_at);

-- Lists by another order than the last change (documents_ws_updated), and the trash.
CREATE INDEX documents_ws_created ON documents (workspace_id, created_at DESC, id);
CREATE INDEX documents_ws_title ON documents (workspace_id, lower(title) DESC, id);
CREATE INDEX documents_ws_edited ON documents (workspace_id, coalesce(last_edited_at, created_at) DESC, id);
CREATE INDEX documents_category ON documents (category_id) WHERE category_id IS NOT NULL;
CREATE INDEX documents_ws_templates ON documents (workspace_id) WHERE is_template;
CREATE INDEX documents_ws_deleted ON documents (workspace_id) WHERE deleted_at IS NOT NULL;

CREATE TRIGGER touch BEFORE UPDATE ON tags
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION app.touch();
CREATE TRIGGER touch BEFORE UPDATE ON categories
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION app.touch();

-- The lock is the workspace's: of two moves at once, each sound by itself, the second must see the first.
CREATE FUNCTION app.category_guard() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE above integer; below integer; ring boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('categories ' || NEW.workspace_id, 0));
  WITH RECURSIVE up AS (
    SELECT id, parent_id, 1 AS depth FROM categories WHERE id = NEW.parent_id
    UNION ALL SELECT c.id, c.parent_id, depth + 1 FROM categories c JOIN up ON c.id = up.parent_id WHERE depth < 50)
  SELECT coalesce(max(depth), 0), coalesce(bool_or(id = NEW.id), false) INTO above, ring FROM up;
  IF ring THEN
    RAISE EXCEPTION 'a category cannot be within itself'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'category_cycle';
  END IF;
  WITH RECURSIVE down AS (
    SELECT NEW.id AS id, 1 AS depth
    UNION ALL SELECT c.id, depth + 1 FROM categories c JOIN down ON c.parent_id = down.id WHERE depth < 50)
  SELECT max(depth) INTO below FROM down;
  IF above + below > 20 THEN
    RAISE EXCEPTION 'categories may be nested 20 deep' USING ERRCODE = 'check_violation', CONSTRAINT = 'category_depth';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER guard_insert BEFORE INSERT ON categories
  FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION app.category_guard();
CREATE TRIGGER guard_update BEFORE UPDATE OF parent_id ON categories FOR EACH ROW
  WHEN (NEW.parent_id IS NOT NULL AND NEW.parent_id IS DISTINCT FROM OLD.parent_id)
  EXECUTE FUNCTION app.category_guard();

-- Tags are part of what a document shows: its version moves with them.
CREATE FUNCTION app.documents_tagged() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE ids uuid[];
BEGIN
  IF TG_TABLE_NAME = 'tags' THEN
    SELECT array_agg(DISTINCT document_id) INTO ids FROM document_tags WHERE tag_id IN (SELECT id FROM changed);
  ELSE
    SELECT array_agg(DISTINCT document_id) INTO ids FROM changed;
  END IF;
  UPDATE documents SET row_version = row_version + 1, updated_at = now(), updated_by = coalesce(app.user_id(), updated_by)
    WHERE id = ANY (ids);
  RETURN NULL;
END $$;
CREATE TRIGGER tagged AFTER INSERT ON document_tags
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.documents_tagged();
CREATE TRIGGER untagged AFTER DELETE ON document_tags
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.documents_tagged();
CREATE TRIGGER renamed AFTER UPDATE ON tags
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.documents_tagged();

-- Whether the transaction's user may take the document out of its workspace, delete it or bring it back.
CREATE FUNCTION app.may_remove(p_workspace uuid, p_created_by uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT p_workspace = ANY (app.workspace_ids('can_delete_documents'))
    OR (p_created_by = app.user_id() AND p_workspace = ANY (app.workspace_ids('can_edit_documents'))) IS TRUE $$;

-- Into another workspace, with its log, text, views and favourites. Tags go along by name, the category stays behind.
-- A name that is taken there is a unique_violation of documents_name_key.
CREATE FUNCTION app.move_document(p_document uuid, p_workspace uuid, p_category uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE source uuid; author uuid; carried uuid[];
BEGIN
  SELECT workspace_id, created_by INTO source, author FROM documents
    WHERE id = p_document AND deleted_at IS NULL FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'there is no such document' USING ERRCODE = 'no_data_found';
  END IF;
  IF NOT app.may_remove(source, author) OR NOT p_workspace = ANY (app.workspace_ids('can_create_documents')) THEN
    RAISE EXCEPTION 'moving needs the right to delete here and to create there' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF source <> p_workspace THEN
    SELECT coalesce(array_agg(tag_id), '{}') INTO carried FROM document_tags WHERE document_id = p_document;
    INSERT INTO tags (workspace_id, name, slug, color, description)
      SELECT p_workspace, name, slug, color, description FROM tags WHERE id = ANY (carried) ORDER BY slug
      ON CONFLICT (workspace_id, slug) DO NOTHING;
    DELETE FROM document_tags WHERE document_id = p_document;
  END IF;
  UPDATE documents SET workspace_id = p_workspace, category_id = p_category WHERE id = p_document;
  IF source <> p_workspace THEN
    INSERT INTO document_tags (document_id, tag_id, workspace_id)
      SELECT p_document, there.id, p_workspace FROM tags here JOIN tags there USING (slug)
      WHERE here.id = ANY (carried) AND there.workspace_id = p_workspace;
  END IF;
END $$;

-- Adds views, and when people last saw what. Arrays of one length each; what is gone meanwhile is left out.
CREATE FUNCTION app.count_views(p_documents uuid[], p_counts bigint[], p_last timestamptz[],
                                p_seen uuid[], p_users uuid[], p_at timestamptz[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  WITH locked AS (
    SELECT s.document_id FROM document_stats s WHERE s.document_id = ANY (p_documents) ORDER BY 1 FOR UPDATE)
  UPDATE document_stats s SET view_count = view_count + v.views, last_viewed_at = greatest(last_viewed_at, v.last)
    FROM unnest(p_documents, p_counts, p_last) v (document_id, views, last) JOIN locked USING (document_id)
    WHERE s.document_id = v.document_id;
  INSERT INTO document_views AS d (user_id, document_id, viewed_at)
    SELECT u.id, locked.id, v.at FROM unnest(p_seen, p_users, p_at) v (document_id, user_id, at)
      JOIN users u ON u.id = v.user_id
      JOIN (SELECT id FROM documents WHERE id = ANY (p_seen) ORDER BY id FOR KEY SHARE) locked ON locked.id = v.document_id
    ORDER BY 1, 2
    ON CONFLICT (user_id, document_id) DO UPDATE SET viewed_at = greatest(d.viewed_at, EXCLUDED.viewed_at);
END $$;

-- Deletes for good what has been in the trash, or in a deleted workspace, for p_days, and what has expired; -> how many.
-- Into the archive first.
CREATE FUNCTION app.purge_documents(p_days integer DEFAULT 30, p_limit integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE ids uuid[];
BEGIN
  SELECT array_agg(id) INTO ids FROM (
    SELECT id FROM documents WHERE deleted_at < now() - make_interval(days => p_days) OR expires_at < now()
      OR workspace_id IN (SELECT w.id FROM workspaces w
                          WHERE w.deleted_at < now() - make_interval(days => p_days) AND w.kind <> 'playground')
    ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED) due;
  INSERT INTO document_archive (document_id, workspace_id, name, title, description, type, content, yjs_state, pending,
      content_encrypted, encryption, metadata, settings, tags, created_by, created_at, deleted_by, deleted_at)
    SELECT d.id, d.workspace_id, d.name, d.title, d.description, d.type::text, d.content, d.yjs_state,
      ARRAY(SELECT u.payload FROM document_updates u WHERE u.document_id = d.id AND u.seq > d.yjs_clock ORDER BY u.seq),
      d.content_encrypted, d.encryption, d.metadata, d.settings,
      ARRAY(SELECT t.name FROM document_tags x JOIN tags t ON t.id = x.tag_id WHERE x.document_id = d.id ORDER BY 1),
      d.created_by, d.created_at, d.deleted_by, d.deleted_at
    FROM documents d WHERE d.id = ANY (ids) ON CONFLICT (document_id) DO NOTHING;
  DELETE FROM documents WHERE id = ANY (ids);
  RETURN coalesce(cardinality(ids), 0);
END $$;
CREATE FUNCTION app.purge_archive(p_days integer DEFAULT 90, p_limit integer DEFAULT 100) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH gone AS (DELETE FROM document_archive WHERE document_id IN (
    SELECT document_id FROM document_archive WHERE archived_at < now() - make_interval(days => p_days) LIMIT p_limit)
    RETURNING 1)
  SELECT count(*)::integer FROM gone $$;

ALTER TABLE tags ENABLE ROW LEVEL SECURITY;
ALTER TABLE document_tags ENABLE ROW LEVEL SECURITY;
ALTER TABLE categories ENABLE ROW LEVEL SECURITY;
ALTER TABLE document_favourites ENABLE ROW LEVEL SECURITY;
ALTER TABLE document_views ENABLE ROW LEVEL SECURITY;
ALTER TABLE document_archive ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON tags TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON document_tags TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON categories TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON document_favourites TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON document_views TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON document_archive TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY tenant_read ON tags FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]));
CREATE POLICY tenant_write ON tags TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]))
  WITH CHECK (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]));
CREATE POLICY tenant_read ON document_tags FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]));
CREATE POLICY tenant_write ON document_tags TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]))
  WITH CHECK (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]));
CREATE POLICY tenant_read ON categories FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]));
CREATE POLICY tenant_write ON categories TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]))
  WITH CHECK (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]));
CREATE POLICY own ON document_favourites TO app_readwrite
  USING (user_id = (SELECT app.user_id()))
  WITH CHECK (user_id = (SELECT app.user_id())
              AND EXISTS (SELECT FROM documents d WHERE d.id = document_favourites.document_id));
CREATE POLICY own ON document_views FOR SELECT TO app_readwrite USING (user_id = (SELECT app.user_id()));

-- Who may delete may also edit (access/policy.py); authors empty their own trash.
DROP POLICY doc_update ON documents;
DROP POLICY doc_delete ON documents;
CREATE POLICY doc_update ON documents FOR UPDATE TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[])
         OR workspace_id = ANY ((SELECT app.workspace_ids('can_delete_documents'))::uuid[]));
CREATE POLICY doc_delete ON documents FOR DELETE TO app_readwrite
  USING (deleted_at IS NOT NULL AND (workspace_id = ANY ((SELECT app.workspace_ids('can_delete_documents'))::uuid[])
         OR (created_by = (SELECT app.user_id())
             AND workspace_id = ANY ((SELECT app.workspace_ids('can_edit_documents'))::uuid[]))));

GRANT SELECT, INSERT, UPDATE, DELETE
  ON tags, document_tags, categories, document_favourites, document_views, document_archive TO app_service, app_admin;
GRANT SELECT ON tags, document_tags, categories TO app_readonly, app_readwrite;
GRANT SELECT ON document_favourites, document_views TO app_readwrite;
GRANT INSERT (id, workspace_id, name, slug, color, description), UPDATE (name, slug, color, description), DELETE
  ON tags TO app_readwrite;
GRANT INSERT (document_id, tag_id, workspace_id), DELETE ON document_tags TO app_readwrite;
GRANT INSERT (id, workspace_id, parent_id, name, slug, color, icon, description, position),
  UPDATE (parent_id, name, slug, color, icon, description, position), DELETE ON categories TO app_readwrite;
GRANT INSERT (user_id, document_id), DELETE ON document_favourites TO app_readwrite;
GRANT UPDATE (name) ON documents TO app_readwrite;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA app TO app_service, app_admin;
GRANT EXECUTE ON FUNCTION app.may_remove(uuid, uuid), app.move_document(uuid, uuid, uuid) TO app_readwrite;
