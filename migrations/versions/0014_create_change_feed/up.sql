-- The change feed: changes of a workspace, for clients that reconnect.

-- The order of delivery is (xid, id), and a page ends below the horizon, the oldest transaction that is still open when
-- it is read: every transaction below has ended, every open one is at or above it, so nothing can appear later behind a
-- position that was handed out. No writer waits for another. A long transaction delays the feed, and loses nothing.
CREATE TYPE change_operation AS ENUM ('create', 'update', 'delete');
CREATE TABLE sync_log (  -- what changed, never the values. No foreign keys: entries outlive what they tell of
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(), id bigint GENERATED ALWAYS AS IDENTITY,
  workspace_id uuid NOT NULL,
  target_user_id uuid,  -- set: an entry for this person only
  entity_type text NOT NULL, entity_id uuid NOT NULL, document_id uuid, operation change_operation NOT NULL,
  changed_fields text[], content_hash text, row_version bigint,
  changed_by uuid, device_id text, client_version text, created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workspace_id, xid, id));
CREATE INDEX sync_log_target ON sync_log (target_user_id, xid, id) WHERE target_user_id IS NOT NULL;
-- For the end of the whole log. Of an expression, so that the planner cannot read one workspace's entries off it, through
-- everybody else's.
CREATE INDEX sync_log_order ON sync_log ((xid::text::bigint), id);
CREATE INDEX sync_log_created ON sync_log USING brin (created_at) WITH (pages_per_range = 16);
CREATE TABLE sync_floors (  -- the newest entry of each workspace that is purged
  workspace_id uuid PRIMARY KEY, floor_xid xid8 NOT NULL, floor_id bigint NOT NULL);

-- One history of transaction ids: this cluster, its timeline, and the very table (a restored dump makes a new one).
-- Elsewhere the ids in a cursor mean something else.
CREATE FUNCTION app.sync_history() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT (SELECT system_identifier FROM pg_control_system()) || '/'
    || CASE WHEN pg_is_in_recovery() THEN '' ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END || '/'
    || 'sync_log'::regclass::oid $$;
CREATE TABLE sync_meta (  -- one row; floor: the newest entry of all that is purged
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton), epoch bigint NOT NULL, history text NOT NULL,
  floor_xid xid8 NOT NULL DEFAULT '0', floor_id bigint NOT NULL DEFAULT 0);
INSERT INTO sync_meta (epoch, history) VALUES (extract(epoch FROM now())::bigint, app.sync_history());

-- Where the feed ends now: the newest entry below the horizon, not the horizon itself. A transaction id that no commit
-- has made durable is given out again after a crash, and then a cursor at the horizon would skip what it wrote.
-- is_current: false where another history has begun (app.sync_check_epoch). STABLE, so it sees what its query sees.
CREATE FUNCTION app.sync_position(OUT epoch bigint, OUT is_current boolean, OUT xid xid8, OUT id bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT m.epoch, m.history = app.sync_history(), ends.xid, ends.id
  FROM sync_meta m, LATERAL (
    SELECT l.xid, l.id FROM (
      (SELECT s.xid, s.id FROM sync_log s
       WHERE s.xid::text::bigint < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
       ORDER BY s.xid::text::bigint DESC, s.id DESC LIMIT 1)
      UNION ALL SELECT m.floor_xid, m.floor_id) l
    ORDER BY l.xid DESC, l.id DESC LIMIT 1) ends $$;

-- After a restore or a failover ids may be reused: everything starts again, under a new epoch. -> the epoch
CREATE FUNCTION app.sync_check_epoch() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE m sync_meta;
BEGIN
  SELECT * INTO m FROM sync_meta FOR UPDATE;
  IF m.history <> app.sync_history()
     OR EXISTS (SELECT FROM sync_log
                WHERE xid::text::bigint >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint) THEN
    DELETE FROM sync_log;
    DELETE FROM sync_floors;
    UPDATE sync_meta SET epoch = greatest(epoch + 1, extract(epoch FROM now())::bigint),
      history = app.sync_history(), floor_xid = '0', floor_id = 0 RETURNING * INTO m;
  END IF;
  RETURN m.epoch;
END $$;

-- How old the oldest committed entry is that an open transaction, of whatever database of the cluster, holds back.
CREATE FUNCTION app.sync_lag() RETURNS interval
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT coalesce((SELECT greatest(clock_timestamp() - created_at, interval '0') FROM sync_log
                   WHERE xid::text::bigint >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint
                   ORDER BY xid::text::bigint, id LIMIT 1), interval '0') $$;

-- Entries go with their floors, in one statement: nobody reads between the two. Only below the horizon: readers begin
-- and go on at the floor, which what an open transaction holds back must not be behind. -> how many
CREATE FUNCTION app.purge_sync_log(p_days integer DEFAULT 90, p_limit integer DEFAULT 10000) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH old AS (
      SELECT workspace_id, xid, id FROM sync_log WHERE created_at < now() - make_interval(days => p_days)
        AND xid < pg_snapshot_xmin(pg_current_snapshot()) LIMIT p_limit),
    gone AS (
      DELETE FROM sync_log s USING old WHERE (s.workspace_id, s.xid, s.id) = (old.workspace_id, old.xid, old.id)
      RETURNING s.workspace_id, s.xid, s.id),
    floors AS (
      INSERT INTO sync_floors AS f
      SELECT DISTINCT ON (workspace_id) workspace_id, xid, id FROM gone ORDER BY workspace_id, xid DESC, id DESC
      ON CONFLICT (workspace_id) DO UPDATE SET floor_xid = EXCLUDED.floor_xid, floor_id = EXCLUDED.floor_id
        WHERE (EXCLUDED.floor_xid, EXCLUDED.floor_id) > (f.floor_xid, f.floor_id)),
    newest AS (SELECT xid, id FROM gone ORDER BY xid DESC, id DESC LIMIT 1),
    whole AS (
      UPDATE sync_meta m SET floor_xid = n.xid, floor_id = n.id FROM newest n
      WHERE (n.xid, n.id) > (m.floor_xid, m.floor_id))
  SELECT count(*)::integer FROM gone $$;

-- ---- writing. SECURITY DEFINER: nobody writes the log but these.

-- An update within the transaction that made or changed the same thing shortly before joins that entry.
-- p_actor, p_device: for what the server does for somebody.
CREATE FUNCTION app.record_change(p_workspace uuid, p_type text, p_id uuid, p_document uuid, p_operation change_operation,
  p_fields text[] DEFAULT NULL, p_hash text DEFAULT NULL, p_version bigint DEFAULT NULL, p_target uuid DEFAULT NULL,
  p_actor uuid DEFAULT NULL, p_device text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  -- A reader must not see what a crash can take back.
  IF current_setting('synchronous_commit') = 'off' THEN PERFORM set_config('synchronous_commit', 'on', true); END IF;
  IF p_operation = 'update' AND p_target IS NULL THEN
    UPDATE sync_log s SET content_hash = coalesce(p_hash, content_hash), row_version = coalesce(p_version, row_version),
      changed_fields = CASE WHEN operation = 'create' THEN changed_fields
        ELSE ARRAY(SELECT DISTINCT f FROM unnest(changed_fields || p_fields) f ORDER BY f) END
    FROM (SELECT id, entity_id FROM sync_log
          WHERE workspace_id = p_workspace AND xid = pg_current_xact_id() AND target_user_id IS NULL
          ORDER BY id DESC LIMIT 8) last
    WHERE s.workspace_id = p_workspace AND s.xid = pg_current_xact_id() AND s.id = last.id AND last.entity_id = p_id
      AND s.entity_type = p_type AND s.operation <> 'delete';
    IF FOUND THEN RETURN; END IF;
  END IF;
  INSERT INTO sync_log (workspace_id, target_user_id, entity_type, entity_id, document_id, operation, changed_fields,
                        content_hash, row_version, changed_by, device_id, client_version)
  VALUES (p_workspace, p_target, p_type, p_id, p_document, p_operation, p_fields, p_hash, p_version,
          coalesce(app.user_id(), p_actor), coalesce(app.setting('device_id'), p_device), app.setting('client_version'));
END $$;

-- Apart from the generic one, as a document's whole row is content and state. Content is told of by the log: below.
CREATE FUNCTION app.document_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE fields text[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM app.record_change(NEW.workspace_id, 'document', NEW.id, NEW.id, 'create', NULL, NEW.content_hash,
                              NEW.row_version);
    RETURN NULL;
  ELSIF TG_OP = 'DELETE' THEN
    -- What was in the trash is told of already; what goes with its workspace is not told one by one.
    IF OLD.deleted_at IS NULL AND EXISTS (SELECT FROM workspaces WHERE id = OLD.workspace_id) THEN
      PERFORM app.record_change(OLD.workspace_id, 'document', OLD.id, OLD.id, 'delete', NULL, NULL, OLD.row_version);
    END IF;
    RETURN NULL;
  END IF;
  IF NEW.row_version = OLD.row_version THEN RETURN NULL; END IF;
  IF NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NOT NULL THEN RETURN NULL; END IF;
  fields := array_remove(ARRAY[
    CASE WHEN NEW.name IS DISTINCT FROM OLD.name THEN 'name' END,
    CASE WHEN NEW.title <> OLD.title THEN 'title' END,
    CASE WHEN NEW.description IS DISTINCT FROM OLD.description THEN 'description' END,
    CASE WHEN NEW.type <> OLD.type THEN 'type' END,
    CASE WHEN NEW.status <> OLD.status THEN 'status' END,
    CASE WHEN NEW.priority <> OLD.priority THEN 'priority' END,
    CASE WHEN NEW.language <> OLD.language THEN 'language' END,
    CASE WHEN NEW.generation <> OLD.generation THEN 'generation' END,
    CASE WHEN NEW.metadata <> OLD.metadata THEN 'metadata' END,
    CASE WHEN NEW.settings <> OLD.settings THEN 'settings' END,
    CASE WHEN NEW.category_id IS DISTINCT FROM OLD.category_id THEN 'category_id' END,
    CASE WHEN NEW.is_public <> OLD.is_public THEN 'is_public' END,
    CASE WHEN NEW.is_template <> OLD.is_template THEN 'is_template' END,
    CASE WHEN NEW.content_encrypted IS DISTINCT FROM OLD.content_encrypted THEN 'content' END,
    CASE WHEN NEW.published_at IS DISTINCT FROM OLD.published_at THEN 'published_at' END,
    CASE WHEN NEW.expires_at IS DISTINCT FROM OLD.expires_at THEN 'expires_at' END], NULL);
  IF NEW.workspace_id <> OLD.workspace_id THEN  -- a move is a delete there and a create here
    PERFORM app.record_change(OLD.workspace_id, 'document', OLD.id, OLD.id, 'delete', ARRAY['workspace_id'], NULL,
                              NEW.row_version);
    PERFORM app.record_change(NEW.workspace_id, 'document', NEW.id, NEW.id, 'create', ARRAY['workspace_id'],
                              NEW.content_hash, NEW.row_version);
  ELSIF NEW.deleted_at IS NOT NULL THEN
    PERFORM app.record_change(NEW.workspace_id, 'document', NEW.id, NEW.id, 'delete', ARRAY['deleted_at'], NULL,
                              NEW.row_version);
  ELSIF OLD.deleted_at IS NOT NULL THEN
    PERFORM app.record_change(NEW.workspace_id, 'document', NEW.id, NEW.id, 'create', ARRAY['deleted_at'],
                              NEW.content_hash, NEW.row_version);
  ELSE
    -- The version also moves with the document's tags: app.documents_tagged.
    PERFORM app.record_change(NEW.workspace_id, 'document', NEW.id, NEW.id, 'update',
      CASE WHEN fields = '{}' THEN ARRAY['tags'] ELSE fields END, NEW.content_hash, NEW.row_version);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER feed AFTER INSERT OR DELETE OR UPDATE OF name, title, description, type, status, priority, language,
  generation, metadata, settings, category_id, workspace_id, is_public, is_template, content_encrypted, published_at,
  expires_at, deleted_at, row_version ON documents FOR EACH ROW EXECUTE FUNCTION app.document_changed();

-- Small rows with an id and a workspace_id. Argument: the entity's type.
CREATE FUNCTION app.entity_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE o jsonb; n jsonb; fields text[]; workspace uuid := coalesce(NEW.workspace_id, OLD.workspace_id);
BEGIN
  IF TG_OP = 'UPDATE' THEN
    o := to_jsonb(OLD) - 'updated_at';
    n := to_jsonb(NEW) - 'updated_at';
    SELECT array_agg(k ORDER BY k) INTO fields FROM jsonb_object_keys(n) k WHERE n -> k IS DISTINCT FROM o -> k;
    IF fields IS NULL THEN RETURN NULL; END IF;
  ELSIF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM workspaces WHERE id = workspace) THEN
    RETURN NULL;
  END IF;
  PERFORM app.record_change(workspace, TG_ARGV[0], coalesce(NEW.id, OLD.id), NULL,
    CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'UPDATE' THEN 'update' ELSE 'delete' END::change_operation, fields);
  RETURN NULL;
END $$;
CREATE TRIGGER feed AFTER INSERT OR UPDATE OR DELETE ON tags
  FOR EACH ROW EXECUTE FUNCTION app.entity_changed('tag');
CREATE TRIGGER feed AFTER INSERT OR UPDATE OR DELETE ON categories
  FOR EACH ROW EXECUTE FUNCTION app.entity_changed('category');

-- Who may read a workspace no more cannot read its entries either: those are told by entries of their own.
CREATE FUNCTION app.workspace_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE o jsonb; n jsonb; fields text[];
BEGIN
  o := to_jsonb(OLD) - '{updated_at,row_version}'::text[];
  n := to_jsonb(NEW) - '{updated_at,row_version}'::text[];
  SELECT array_agg(k ORDER BY k) INTO fields FROM jsonb_object_keys(n) k WHERE n -> k IS DISTINCT FROM o -> k;
  IF fields IS NULL THEN RETURN NULL; END IF;
  IF (NEW.deleted_at IS NULL) = (OLD.deleted_at IS NULL) THEN
    PERFORM app.record_change(NEW.id, 'workspace', NEW.id, NULL, 'update', fields, NULL, NEW.row_version);
    RETURN NULL;
  END IF;
  PERFORM app.record_change(NEW.id, 'workspace', NEW.id, NULL,
    CASE WHEN NEW.deleted_at IS NULL THEN 'create' ELSE 'delete' END::change_operation, fields, NULL, NEW.row_version,
    m.user_id)
  FROM workspace_members m WHERE m.workspace_id = NEW.id AND m.is_active;
  RETURN NULL;
END $$;
CREATE TRIGGER feed AFTER UPDATE ON workspaces FOR EACH ROW
  WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION app.workspace_changed();

-- Everybody hears of the member; the member, of the workspace that is to be fetched or dropped.
CREATE FUNCTION app.member_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  place uuid := coalesce(NEW.workspace_id, OLD.workspace_id);
  person uuid := coalesce(NEW.user_id, OLD.user_id);
  was boolean := false; is_now boolean := false; read boolean := false; reads boolean := false; fields text[];
BEGIN
  IF TG_OP <> 'INSERT' THEN
    was := OLD.is_active;
    read := was AND 'can_read' = ANY (app.effective_permissions(OLD.role, OLD.permissions));
  END IF;
  IF TG_OP <> 'DELETE' THEN
    is_now := NEW.is_active;
    reads := is_now AND 'can_read' = ANY (app.effective_permissions(NEW.role, NEW.permissions));
  END IF;
  IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM workspaces WHERE id = place) THEN RETURN NULL; END IF;
  IF TG_OP = 'UPDATE' THEN
    fields := array_remove(ARRAY[
      CASE WHEN NEW.role <> OLD.role THEN 'role' END,
      CASE WHEN NEW.permissions <> OLD.permissions THEN 'permissions' END,
      CASE WHEN NEW.is_active <> OLD.is_active THEN 'is_active' END], NULL);
    IF fields = '{}' THEN RETURN NULL; END IF;
  END IF;
  IF was OR is_now THEN
    PERFORM app.record_change(place, 'member', person, NULL,
      CASE WHEN NOT was THEN 'create' WHEN NOT is_now THEN 'delete' ELSE 'update' END::change_operation, fields);
  END IF;
  IF read OR reads THEN
    PERFORM app.record_change(place, 'workspace', place, NULL,
      CASE WHEN NOT read THEN 'create' WHEN NOT reads THEN 'delete' ELSE 'update' END::change_operation,
      ARRAY['access'], p_target => person);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER feed AFTER INSERT OR DELETE OR UPDATE OF role, permissions, is_active ON workspace_members
  FOR EACH ROW EXECUTE FUNCTION app.member_changed();

CREATE FUNCTION app.favourite_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE document uuid := coalesce(NEW.document_id, OLD.document_id);
BEGIN
  PERFORM app.record_change(d.workspace_id, 'favourite', d.id, d.id,
    CASE TG_OP WHEN 'INSERT' THEN 'create' ELSE 'delete' END::change_operation,
    p_target => coalesce(NEW.user_id, OLD.user_id))
  FROM documents d WHERE d.id = document;
  RETURN NULL;
END $$;
CREATE TRIGGER feed AFTER INSERT OR DELETE ON document_favourites
  FOR EACH ROW EXECUTE FUNCTION app.favourite_changed();

-- ---- content: told of when a document that rested is edited, and by each fold that finds more than was told.

-- Up to which number of the log the feed has told of edits, NULL while nothing waits to be folded. Rows above it are
-- told of by the next fold. Every number up to it was committed no later than the entry that tells of it.
ALTER TABLE document_heads ADD announced_seq bigint;
CREATE FUNCTION app.edits_announced() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE place uuid; author uuid; device text;
BEGIN
  -- The lock is what the rows' foreign key takes as well: of a move at the same time this sees the end.
  SELECT workspace_id INTO place FROM documents WHERE id = NEW.document_id FOR KEY SHARE;
  SELECT actor_id, device_id INTO author, device FROM document_updates
    WHERE document_id = NEW.document_id AND seq = NEW.announced_seq;
  PERFORM app.record_change(place, 'document', NEW.document_id, NEW.document_id, 'update', ARRAY['content'],
                            p_actor => author, p_device => device);
  RETURN NULL;
END $$;
CREATE TRIGGER feed AFTER UPDATE OF announced_seq ON document_heads FOR EACH ROW
  WHEN (OLD.announced_seq IS NULL AND NEW.announced_seq IS NOT NULL) EXECUTE FUNCTION app.edits_announced();

CREATE OR REPLACE FUNCTION app.append_updates(p_documents uuid[], p_payloads bytea[], p_actors uuid[] DEFAULT NULL,
                                   p_clients text[] DEFAULT NULL, p_devices text[] DEFAULT NULL)
RETURNS TABLE (document_id uuid, first_seq bigint, head_seq bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  IF p_documents[1] = ALL (p_documents) THEN
    RETURN QUERY
    WITH h AS (
        UPDATE document_heads t SET head_seq = t.head_seq + cardinality(p_documents),
          announced_seq = coalesce(t.announced_seq, t.head_seq + cardinality(p_documents)) FROM documents d
        WHERE t.document_id = p_documents[1] AND d.id = p_documents[1] AND d.deleted_at IS NULL
        RETURNING t.document_id, t.head_seq - cardinality(p_documents) AS base, t.head_seq),
      i AS (
        INSERT INTO document_updates (document_id, seq, payload, actor_id, client_ids, device_id)
        SELECT h.document_id, h.base + u.position, u.payload, u.actor, u.clients::bigint[], u.device
        FROM h, unnest(p_payloads, p_actors, p_clients, p_devices)
          WITH ORDINALITY u (payload, actor, clients, device, position))
    SELECT h.document_id, h.base + 1, h.head_seq FROM h;
    RETURN;
  END IF;
  PERFORM FROM document_heads t WHERE t.document_id = ANY (p_documents) ORDER BY t.document_id FOR UPDATE;
  RETURN QUERY
  WITH u AS (
      SELECT x.*, row_number() OVER (PARTITION BY document ORDER BY position) AS offset_in_document
      FROM unnest(p_documents, p_payloads, p_actors, p_clients, p_devices)
        WITH ORDINALITY x (document, payload, actor, clients, device, position)),
    n AS (SELECT document, count(*) AS updates FROM u GROUP BY document),
    h AS (
      UPDATE document_heads t SET head_seq = t.head_seq + n.updates,
        announced_seq = coalesce(t.announced_seq, t.head_seq + n.updates) FROM n, documents d
      WHERE t.document_id = n.document AND d.id = n.document AND d.deleted_at IS NULL
      RETURNING t.document_id, t.head_seq - n.updates AS base, t.head_seq),
    i AS (
      INSERT INTO document_updates (document_id, seq, payload, actor_id, client_ids, device_id)
      SELECT u.document, h.base + u.offset_in_document, u.payload, u.actor, u.clients::bigint[], u.device
      FROM u JOIN h ON h.document_id = u.document)
  SELECT h.document_id, h.base + 1, h.head_seq FROM h;
END $$;

-- The head is locked last, and until the commit: what is appended from then on is not told of by this entry.
CREATE OR REPLACE FUNCTION app.compact_document(p_document uuid, p_expected_clock bigint, p_upto bigint, p_state bytea,
                                                p_vector bytea, p_content text DEFAULT NULL,
                                                p_words integer DEFAULT NULL, p_truncated boolean DEFAULT false,
                                                p_actor uuid DEFAULT NULL)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE was text; d record; head document_heads; last_edit record; author uuid; news boolean;
BEGIN
  IF NOT EXISTS (SELECT FROM document_heads WHERE document_id = p_document AND head_seq >= p_upto)
     OR p_upto < p_expected_clock THEN
    RETURN false;
  END IF;
  SELECT content_hash INTO was FROM documents WHERE id = p_document AND yjs_clock = p_expected_clock FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  SELECT actor_id, device_id INTO last_edit FROM document_updates
    WHERE document_id = p_document AND seq <= p_upto ORDER BY seq DESC LIMIT 1;
  SELECT id INTO author FROM users WHERE id = coalesce(p_actor, last_edit.actor_id);
  IF p_content IS NULL THEN
    UPDATE documents SET yjs_state = p_state, yjs_state_vector = p_vector, yjs_clock = p_upto WHERE id = p_document
    RETURNING workspace_id, content_hash, row_version, deleted_at INTO d;
  ELSE
    UPDATE documents SET yjs_state = p_state, yjs_state_vector = p_vector, yjs_clock = p_upto, content = p_content,
      content_truncated = p_truncated, word_count = p_words, updated_by = coalesce(author, updated_by)
    WHERE id = p_document RETURNING workspace_id, content_hash, row_version, deleted_at INTO d;
  END IF;
  DELETE FROM document_updates WHERE document_id = p_document AND seq <= p_upto;
  SELECT * INTO head FROM document_heads WHERE document_id = p_document FOR NO KEY UPDATE;
  news := d.content_hash <> was OR p_upto > coalesce(head.announced_seq, p_expected_clock);
  IF news AND d.deleted_at IS NULL THEN
    PERFORM app.record_change(d.workspace_id, 'document', p_document, p_document, 'update', ARRAY['content'],
                              d.content_hash, d.row_version, NULL, author, last_edit.device_id);
  END IF;
  UPDATE document_heads SET announced_seq =
      CASE WHEN head_seq > p_upto THEN CASE WHEN news THEN head_seq ELSE announced_seq END END
    WHERE document_id = p_document;
  RETURN true;
END $$;

ALTER TABLE sync_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_floors ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_meta ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON sync_log FOR SELECT TO app_service, app_admin USING (true);
CREATE POLICY internal ON sync_floors FOR SELECT TO app_service, app_admin USING (true);
CREATE POLICY internal ON sync_meta FOR SELECT TO app_service, app_admin USING (true);
CREATE POLICY feed_read ON sync_log FOR SELECT TO app_readwrite, app_readonly
  USING ((target_user_id IS NULL AND workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]))
         OR target_user_id = (SELECT app.user_id()));
CREATE POLICY tenant_read ON sync_floors FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]));
GRANT SELECT ON sync_log, sync_floors TO app_readonly, app_readwrite, app_service, app_admin;
GRANT SELECT ON sync_meta TO app_service, app_admin;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA app TO app_service, app_admin;
GRANT EXECUTE ON FUNCTION app.sync_position() TO app_readonly, app_readwrite;
