-- Limits of documents: expiry through the trash, counted storage, known search languages.

-- ---- expiry: needs the right to delete, and leads through the trash.

-- No foreign key: an expiry outlives the account of whoever set it.
ALTER TABLE documents ADD expires_set_by uuid;

CREATE OR REPLACE FUNCTION app.documents_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' OR NEW.content IS DISTINCT FROM OLD.content THEN
    NEW.content_hash := encode(sha256(convert_to(NEW.content, 'UTF8')), 'hex');  -- content::bytea fails on backslashes
    NEW.content_bytes := octet_length(NEW.content);
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

-- Into the trash, in the name of whoever set the expiry; -> how many. Expiries set before this revision have no name.
CREATE FUNCTION app.expire_documents(p_limit integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE due record; expired integer := 0;
BEGIN
  FOR due IN
    SELECT d.id, (SELECT u.id FROM users u WHERE u.id = d.expires_set_by) AS person FROM documents d
    WHERE d.expires_at < now() AND d.deleted_at IS NULL ORDER BY d.id LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    -- The triggers that write the activity and the feed read it.
    PERFORM set_config('app.current_user_id', coalesce(due.person::text, ''), true);
    UPDATE documents SET deleted_at = now(), deleted_by = due.person WHERE id = due.id;
    expired := expired + 1;
  END LOOP;
  PERFORM set_config('app.current_user_id', '', true);
  RETURN expired;
END $$;

CREATE OR REPLACE FUNCTION app.purge_documents(p_days integer DEFAULT 30, p_limit integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE ids uuid[];
BEGIN
  PERFORM app.expire_documents(p_limit);  -- a server of the version before has no job for it
  SELECT array_agg(id) INTO ids FROM (
    SELECT id FROM documents WHERE deleted_at < now() - make_interval(days => p_days)
      OR workspace_id IN (SELECT w.id FROM workspaces w
                          WHERE w.deleted_at < now() - make_interval(days => p_days) AND w.kind <> 'playground')
    ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED) due;
  -- In the order in which a move takes them.
  PERFORM FROM workspace_usage WHERE workspace_id IN (SELECT workspace_id FROM documents WHERE id = ANY (ids))
    ORDER BY workspace_id FOR NO KEY UPDATE;
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

-- ---- storage: what each workspace's documents take, and how many there are; the trash counts.

ALTER TABLE workspace_usage ADD document_count bigint NOT NULL DEFAULT 0, ADD counted_at timestamptz;

-- Changes that met the counters of their workspace locked, for whoever has the lock next. A transaction that waited for
-- them could wait for another one that waits for it.
CREATE TABLE storage_changes (workspace_id uuid NOT NULL, bytes bigint NOT NULL, documents integer NOT NULL);
CREATE INDEX storage_changes_workspace ON storage_changes (workspace_id);
ALTER TABLE storage_changes ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON storage_changes TO app_service, app_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON storage_changes TO app_service, app_admin;

CREATE FUNCTION app.add_storage(p_workspace uuid, p_bytes bigint, p_documents integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM FROM workspace_usage WHERE workspace_id = p_workspace FOR NO KEY UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    INSERT INTO storage_changes (workspace_id, bytes, documents) VALUES (p_workspace, p_bytes, p_documents);
    RETURN;
  END IF;
  WITH earlier AS (DELETE FROM storage_changes WHERE workspace_id = p_workspace RETURNING bytes, documents),
    total AS (SELECT p_bytes + coalesce(sum(bytes), 0) AS bytes, p_documents + coalesce(sum(documents), 0) AS documents
              FROM earlier)
  UPDATE workspace_usage u SET storage_used_bytes = greatest(0, u.storage_used_bytes + t.bytes),
    document_count = greatest(0, u.document_count + t.documents)
  FROM total t WHERE u.workspace_id = p_workspace;
END $$;

-- A document takes its snapshot, its stored text and its encrypted content. The rows of the log count when they are
-- folded: a commit of edits takes no lock here. octet_length reads no value that is stored apart.
CREATE FUNCTION app.count_storage() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE was bigint := 0; is_now bigint := 0;
BEGIN
  IF TG_OP <> 'INSERT' THEN
    was := coalesce(octet_length(OLD.yjs_state), 0)::bigint + OLD.content_bytes
      + coalesce(octet_length(OLD.content_encrypted), 0);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    is_now := coalesce(octet_length(NEW.yjs_state), 0)::bigint + NEW.content_bytes
      + coalesce(octet_length(NEW.content_encrypted), 0);
  END IF;
  IF TG_OP = 'UPDATE' AND NEW.workspace_id = OLD.workspace_id THEN
    IF is_now <> was THEN
      PERFORM app.add_storage(NEW.workspace_id, is_now - was, 0);
    END IF;
    RETURN NULL;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    PERFORM app.add_storage(OLD.workspace_id, -was, -1);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM app.add_storage(NEW.workspace_id, is_now, 1);
  END IF;
  RETURN NULL;
END $$;
-- At the commit: a creation holds the lock on its workspace's counters no longer than that takes.
CREATE CONSTRAINT TRIGGER storage AFTER INSERT OR DELETE OR UPDATE OF yjs_state, content, content_encrypted,
  workspace_id ON documents DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.count_storage();

-- Counts workspaces anew that were not counted within a day, or have changes left over; -> how many. Exact beside writers:
-- the sum and the changes that go are of one statement, so what is committed later is added later.
CREATE FUNCTION app.recount_storage(p_limit integer DEFAULT 10) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE place uuid; counted integer := 0;
BEGIN
  FOR place IN
    SELECT workspace_id FROM workspace_usage
    WHERE counted_at IS NULL OR counted_at < now() - interval '1 day'
      OR workspace_id IN (SELECT c.workspace_id FROM storage_changes c)
    ORDER BY workspace_id LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    WITH gone AS (DELETE FROM storage_changes WHERE workspace_id = place)
    UPDATE workspace_usage u SET storage_used_bytes = s.bytes, document_count = s.documents, counted_at = now()
    FROM (SELECT count(*) AS documents,
            coalesce(sum(coalesce(octet_length(yjs_state), 0)::bigint + content_bytes
              + coalesce(octet_length(content_encrypted), 0)), 0)::bigint AS bytes
          FROM documents WHERE workspace_id = place) s
    WHERE u.workspace_id = place;
    counted := counted + 1;
  END LOOP;
  DELETE FROM storage_changes c WHERE NOT EXISTS (SELECT FROM workspaces w WHERE w.id = c.workspace_id);
  RETURN counted;
END $$;

-- ---- search: as many languages as PostgreSQL knows, whatever documents say.

CREATE FUNCTION app.search_language(p_language text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT cfgname::text FROM pg_ts_config WHERE cfgname = p_language LIMIT 1), 'simple') $$;
CREATE OR REPLACE FUNCTION app.refresh_search(p_limit integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET client_min_messages = warning AS $$
DECLARE ids uuid[]; i uuid;
BEGIN
  WITH next AS (SELECT id FROM search_queue ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED),
    taken AS (DELETE FROM search_queue s USING next WHERE s.id = next.id RETURNING s.document_id)
  SELECT array_agg(DISTINCT document_id) INTO ids FROM taken;
  -- Of two at the same document, the later one must read what the earlier one could not see yet.
  PERFORM pg_advisory_xact_lock(hashtextextended('search ' || x, 0)) FROM unnest(ids) x ORDER BY x;
  DELETE FROM document_search s USING documents d
    WHERE s.document_id = ANY (ids) AND d.id = s.document_id AND d.deleted_at IS NOT NULL;
  FOREACH i IN ARRAY coalesce(ids, '{}') LOOP
    INSERT INTO document_search AS s (document_id, workspace_id, tsv, title_words, title_trigrams, truncated,
        indexed_hash, language, changed_at)
    SELECT d.id, d.workspace_id, b.tsv,
      to_tsvector(app.fts_config(d.language), app.fts_text(concat_ws(' ', d.title, tagged.names))),
      app.trigrams(d.title), b.truncated OR d.content_truncated, d.content_hash, app.search_language(d.language), d.updated_at
    FROM documents d
      LEFT JOIN LATERAL (SELECT string_agg(t.name, ' ' ORDER BY t.slug) AS names
        FROM document_tags x JOIN tags t ON t.id = x.tag_id WHERE x.document_id = d.id) tagged ON true,
      LATERAL app.build_tsv(app.fts_config(d.language), d.title, d.description, tagged.names,
        CASE WHEN d.content_encrypted IS NULL THEN d.content END) b
    WHERE d.id = i AND d.deleted_at IS NULL
    ON CONFLICT (document_id) DO UPDATE SET tsv = EXCLUDED.tsv, title_words = EXCLUDED.title_words,
      title_trigrams = EXCLUDED.title_trigrams, truncated = EXCLUDED.truncated, indexed_hash = EXCLUDED.indexed_hash,
      language = EXCLUDED.language, changed_at = EXCLUDED.changed_at
      WHERE (s.tsv, s.title_words, s.title_trigrams, s.language)
        IS DISTINCT FROM (EXCLUDED.tsv, EXCLUDED.title_words, EXCLUDED.title_trigrams, EXCLUDED.language);
  END LOOP;
  RETURN coalesce(cardinality(ids), 0);
END $$;
INSERT INTO search_queue (document_id)
  SELECT document_id FROM document_search WHERE language NOT IN (SELECT cfgname::text FROM pg_ts_config);

-- What is asked for, in every language that documents have which the caller may see: each is matched as it was indexed.
CREATE OR REPLACE FUNCTION app.search_queries(p_query text, p_last text) RETURNS TABLE (language text, query tsquery)
LANGUAGE plpgsql STABLE SET client_min_messages = warning AS $$
DECLARE
  most constant integer := 40;
  config regconfig;
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
    config := app.fts_config(language);
    query := websearch_to_tsquery(config, app.fts_text(p_query));
    IF p_last IS NOT NULL THEN
      query := query && (websearch_to_tsquery(config, p_last) || to_tsquery('simple', quote_literal(p_last) || ':*'));
    END IF;
    IF querytree(query) NOT IN ('', 'T') THEN RETURN NEXT; END IF;
  END LOOP;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.expire_documents(integer), app.recount_storage(integer), app.count_storage(),
  app.search_language(text) TO app_service, app_admin;
