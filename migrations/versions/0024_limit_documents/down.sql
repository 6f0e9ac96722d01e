CREATE OR REPLACE FUNCTION app.search_queries(p_query text, p_last text) RETURNS TABLE (language text, query tsquery)
LANGUAGE plpgsql STABLE SET client_min_messages = warning AS $$
DECLARE config regconfig;
BEGIN
  FOR language IN
    WITH RECURSIVE known AS (
      (SELECT s.language AS name FROM document_search s ORDER BY 1 LIMIT 1)
      UNION ALL
      SELECT (SELECT s.language FROM document_search s WHERE s.language > known.name ORDER BY 1 LIMIT 1)
      FROM known WHERE known.name IS NOT NULL)
    SELECT name FROM known WHERE name IS NOT NULL
  LOOP
    config := app.fts_config(language);
    query := websearch_to_tsquery(config, app.fts_text(p_query));
    IF p_last IS NOT NULL THEN
      query := query && (websearch_to_tsquery(config, p_last) || to_tsquery('simple', quote_literal(p_last) || ':*'));
    END IF;
    IF querytree(query) NOT IN ('', 'T') THEN RETURN NEXT; END IF;
  END LOOP;
END $$;
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
      app.trigrams(d.title), b.truncated OR d.content_truncated, d.content_hash, d.language, d.updated_at
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
DROP FUNCTION app.search_language(text), app.recount_storage(integer);
DROP TRIGGER storage ON documents;
DROP FUNCTION app.count_storage();
DROP FUNCTION app.add_storage(uuid, bigint, integer);
DROP TABLE storage_changes;
UPDATE workspace_usage SET storage_used_bytes = 0;
ALTER TABLE workspace_usage DROP document_count, DROP counted_at;
CREATE OR REPLACE FUNCTION app.purge_documents(p_days integer DEFAULT 30, p_limit integer DEFAULT 100) RETURNS integer
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
DROP FUNCTION app.expire_documents(integer);
CREATE OR REPLACE FUNCTION app.documents_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' OR NEW.content IS DISTINCT FROM OLD.content THEN
    NEW.content_hash := encode(sha256(convert_to(NEW.content, 'UTF8')), 'hex');  -- content::bytea fails on backslashes
    NEW.content_bytes := octet_length(NEW.content);
    IF TG_OP = 'UPDATE' THEN NEW.last_edited_at := now(); END IF;
  END IF;
  IF TG_OP = 'INSERT' THEN RETURN NEW; END IF;
  IF current_user = 'app_readwrite'
     AND (NEW.deleted_at, NEW.is_public) IS DISTINCT FROM (OLD.deleted_at, OLD.is_public)
     AND (OLD.created_by = app.user_id()) IS NOT TRUE
     AND NOT OLD.workspace_id = ANY (app.workspace_ids('can_delete_documents')) THEN
    RAISE EXCEPTION 'deleting or publishing needs can_delete_documents or authorship'
      USING ERRCODE = 'insufficient_privilege';
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
ALTER TABLE documents DROP expires_set_by;
