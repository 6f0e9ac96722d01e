-- Expired documents are hidden at once. Titles follow the first heading. Settings have new names. Servers choose how long
-- presence rows remain.

-- Replaces a passage in the definition of every function of these names. A passage that is not there, or a function, is
-- an error. Used by this revision only.
CREATE FUNCTION pg_temp.rewrite(p_names text[], p_passage text, p_by text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE f record; seen text[] := '{}';
BEGIN
  FOR f IN SELECT p.proname::text AS name, pg_get_functiondef(p.oid) AS definition FROM pg_proc p
    WHERE p.pronamespace = 'app'::regnamespace AND p.proname = ANY (p_names)
  LOOP
    IF strpos(f.definition, p_passage) = 0 THEN RAISE EXCEPTION 'app.% has no "%"', f.name, p_passage; END IF;
    EXECUTE replace(f.definition, p_passage, p_by);
    seen := seen || f.name;
  END LOOP;
  IF NOT p_names <@ seen THEN RAISE EXCEPTION 'not all of % are there', p_names; END IF;
END $$;

-- ---- expiry. What moves expired documents to the trash may be late, or may meet a lock. No right outlives the moment.

-- In the trash a document is not expired: who may bring it back sees it there.
CREATE POLICY doc_not_expired ON documents AS RESTRICTIVE FOR SELECT TO app_readonly, app_readwrite
  USING (deleted_at IS NOT NULL OR expires_at IS NULL OR expires_at > now());
SELECT pg_temp.rewrite(ARRAY['document_permission', 'document_permissions_for', 'documents_listed', 'search_documents',
  'search_titles'], 'd.deleted_at IS NULL', '(d.deleted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now()))');

-- Seconds until the next document expires; NULL: none does.
CREATE FUNCTION app.next_expiry() RETURNS float8
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT extract(epoch FROM min(expires_at) - clock_timestamp())::float8 FROM documents
  WHERE expires_at IS NOT NULL AND deleted_at IS NULL $$;

CREATE TRIGGER expiry_ins AFTER INSERT ON documents FOR EACH ROW WHEN (NEW.expires_at IS NOT NULL)
  EXECUTE FUNCTION app.access_changed('document', 'id');
CREATE TRIGGER expiry_upd AFTER UPDATE OF expires_at ON documents FOR EACH ROW
  WHEN (OLD.expires_at IS DISTINCT FROM NEW.expires_at AND NEW.expires_at IS NOT NULL)
  EXECUTE FUNCTION app.access_changed('document', 'id');

-- ---- titles. Until somebody sets one, the title is the first heading, else the end of the name.

ALTER TABLE documents ADD title_is_set boolean NOT NULL DEFAULT true;
GRANT SELECT (title_is_set), INSERT (title_is_set), UPDATE (title_is_set) ON documents TO app_readwrite;
GRANT SELECT (title_is_set) ON documents TO app_readonly;

CREATE FUNCTION app.title_without(p_name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(NULLIF(btrim(regexp_replace(rtrim(p_name, '/'), '^.*/', '')), ''), p_name, 'Untitled') $$;

-- p_heading: the first one of the content that was stored in this transaction, NULL for none. -> true.
CREATE FUNCTION app.follow_heading(p_document uuid, p_heading text) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE documents SET title = coalesce(p_heading, app.title_without(name))
    WHERE id = p_document AND NOT title_is_set AND title <> coalesce(p_heading, app.title_without(name));
  RETURN true;
END $$;

-- For whoever may see the document, which is asked elsewhere.
CREATE FUNCTION app.title_is_set(p_document uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT title_is_set FROM documents WHERE id = p_document $$;

-- The heading is edited, not the title: the activity does not tell of each rest of the hand.
SELECT pg_temp.rewrite(ARRAY['audit_document'], E'BEGIN\n  IF TG_OP = \'DELETE\' THEN',
  E'BEGIN\n  IF TG_OP = ''UPDATE'' AND NOT OLD.title_is_set AND NOT NEW.title_is_set THEN\n'
  || E'    o := o || jsonb_build_object(''title'', NEW.title);\n  END IF;\n  IF TG_OP = ''DELETE'' THEN');

-- Nobody has edited the title then.
SELECT pg_temp.rewrite(ARRAY['note_edits'], 'NEW.title IS DISTINCT FROM OLD.title THEN',
  'NEW.title IS DISTINCT FROM OLD.title AND NEW.title_is_set THEN');

-- Marks, links and front matter take room that an excerpt does not have.
SELECT pg_temp.rewrite(ARRAY['document_details'], 'left(d.content, 400)', 'left(d.content, 1000)');

UPDATE documents SET title_is_set = false WHERE title = 'Untitled';

-- ---- settings: other names, and those that nothing obeys.

UPDATE documents SET settings = settings - 'collaboration_enabled'
    || jsonb_build_object('collaboration', settings -> 'collaboration_enabled' = 'true' AND
                          settings -> 'collaboration' IS DISTINCT FROM 'false')
  WHERE jsonb_typeof(settings -> 'collaboration_enabled') = 'boolean';
UPDATE documents SET settings = (
    SELECT coalesce(jsonb_object_agg(k, v) FILTER (WHERE k = ANY (known.names)), '{}') || jsonb_build_object('extra',
      jsonb_object_agg(k, v) FILTER (WHERE k <> ALL (known.names))
      || CASE jsonb_typeof(settings -> 'extra') WHEN 'object' THEN settings -> 'extra' ELSE '{}' END)
    FROM jsonb_each(settings) e (k, v)
      CROSS JOIN (SELECT '{collaboration,auto_save,ai_enabled,editor_mode}'::text[] AS names) known)
  WHERE settings <> '{}' AND EXISTS (SELECT FROM jsonb_object_keys(settings) k
    WHERE k <> ALL ('{collaboration,auto_save,ai_enabled,editor_mode,extra}'));
UPDATE workspaces SET settings = jsonb_build_object('extra', settings) WHERE settings <> '{}';

-- ---- presence: how long a row outlives the last sign of its server.

-- As with four arguments; what is there is stale p_seconds after a beat. A row that just came is after 14.
CREATE FUNCTION app.mirror_presence(p_node text, p_rows jsonb, p_left text[], p_beat boolean, p_seconds float8)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE known bigint := app.mirror_presence(p_node, p_rows, p_left, false);
BEGIN
  IF p_beat THEN
    UPDATE presence SET expires_at = now() + make_interval(secs => p_seconds) WHERE connection_id IN (
      SELECT connection_id FROM presence WHERE node_id = p_node AND disconnected_at IS NULL
        AND expires_at < now() + make_interval(secs => p_seconds - 5) ORDER BY 1 FOR UPDATE SKIP LOCKED);
  END IF;
  RETURN known;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.next_expiry(),
  app.mirror_presence(text, jsonb, text[], boolean, float8) TO app_service, app_admin;
GRANT EXECUTE ON FUNCTION app.title_without(text), app.follow_heading(uuid, text), app.title_is_set(uuid)
  TO app_readonly, app_readwrite, app_service, app_admin;
