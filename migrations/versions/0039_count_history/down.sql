DROP TRIGGER IF EXISTS storage_added ON history_segments;
DROP TRIGGER IF EXISTS storage_gone ON history_segments;
DROP TRIGGER IF EXISTS storage_added ON document_versions;
DROP TRIGGER IF EXISTS storage_gone ON document_versions;
DROP FUNCTION IF EXISTS app.count_history();
DROP FUNCTION IF EXISTS app.collapse_history(uuid, timestamptz[], bigint, timestamptz, bytea, boolean);
DROP FUNCTION IF EXISTS app.fold_into_history(uuid, bigint, bigint, bytea, bytea, bigint, text, integer, boolean,
  bigint, timestamptz, timestamptz, integer, text, bytea, timestamptz[], bigint[]);
DROP FUNCTION IF EXISTS app.add_version(uuid, bigint, text, text, boolean, text, text, text, boolean, bytea, bytea, text, jsonb,
  text, jsonb, uuid, boolean, timestamptz);
DROP TRIGGER IF EXISTS storage ON documents;
DROP FUNCTION IF EXISTS app.add_storage(uuid, bigint, integer, bigint);
CREATE OR REPLACE FUNCTION app.add_storage(p_workspace uuid, p_bytes bigint, p_documents integer) RETURNS void
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
REVOKE EXECUTE ON FUNCTION app.add_storage(uuid, bigint, integer) FROM PUBLIC;
CREATE OR REPLACE FUNCTION app.count_storage() RETURNS trigger
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
REVOKE EXECUTE ON FUNCTION app.count_storage() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.count_storage() TO app_service, app_admin;
CREATE OR REPLACE FUNCTION app.recount_storage(p_limit integer DEFAULT 10) RETURNS integer
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
REVOKE EXECUTE ON FUNCTION app.recount_storage(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.recount_storage(integer) TO app_service, app_admin;
CREATE CONSTRAINT TRIGGER storage AFTER INSERT OR DELETE OR UPDATE OF yjs_state, content, content_encrypted,
  workspace_id ON documents DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.count_storage();
ALTER TABLE document_heads DROP removals;
ALTER TABLE storage_changes DROP history_bytes;
ALTER TABLE workspace_usage DROP history_bytes;
ALTER TABLE documents DROP history_bytes;
ALTER TABLE document_versions DROP stored_bytes;
ALTER TABLE history_segments DROP stored_bytes;
