-- Names and titles are in Unicode NFC and compared without accents. Edit times of each field are stored.

-- The server composes before it asks; this is for every other writer, such as a server of the version before.
CREATE FUNCTION app.documents_composed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- A few letters become longer; what does not fit stays.
  IF NEW.name IS NOT NFC NORMALIZED AND length(normalize(NEW.name, NFC)) <= 500 THEN
    NEW.name := normalize(NEW.name, NFC);
  END IF;
  IF NEW.title IS NOT NFC NORMALIZED AND length(normalize(NEW.title, NFC)) <= 500 THEN
    NEW.title := normalize(NEW.title, NFC);
  END IF;
  RETURN NEW;
END $$;
-- Named to run before documents_ins and documents_upd, which compare what was with what will be.
CREATE TRIGGER documents_composed BEFORE INSERT OR UPDATE OF name, title ON documents
  FOR EACH ROW EXECUTE FUNCTION app.documents_composed();

-- Of two documents whose names look the same the one with the composed name keeps it, else the older one. The others
-- get a number.
DO $$
DECLARE
  one record;
  wanted text;
  number integer;
BEGIN
  FOR one IN
    SELECT id, workspace_id, name, deleted_at FROM documents
    WHERE octet_length(name) <> length(name) AND name IS NOT NFC NORMALIZED
    ORDER BY created_at, id
  LOOP
    wanted := normalize(one.name, NFC);
    number := 1;
    WHILE one.deleted_at IS NULL AND EXISTS (
      SELECT FROM documents d
      WHERE d.workspace_id = one.workspace_id AND d.name = wanted AND d.deleted_at IS NULL AND d.id <> one.id)
    LOOP
      number := number + 1;
      wanted := left(normalize(one.name, NFC), 490) || '-' || number;
    END LOOP;
    IF length(wanted) <= 500 THEN UPDATE documents SET name = wanted WHERE id = one.id; END IF;
  END LOOP;
END $$;
UPDATE documents SET title = normalize(title, NFC)
  WHERE octet_length(title) <> length(title) AND title IS NOT NFC NORMALIZED AND length(normalize(title, NFC)) <= 500;
UPDATE tags SET name = normalize(name, NFC)
  WHERE octet_length(name) <> length(name) AND name IS NOT NFC NORMALIZED AND length(normalize(name, NFC)) <= 50;
UPDATE categories SET name = normalize(name, NFC)
  WHERE octet_length(name) <> length(name) AND name IS NOT NFC NORMALIZED AND length(normalize(name, NFC)) <= 100;

-- When each field was last edited: of two devices that were offline the later edit stays, whichever arrives last. Fields
-- that nobody has changed since this revision have no row. app.edited_at: when a device did what arrives now, never later
-- than now.
CREATE TABLE document_edit_times (
  document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE, field text NOT NULL, edited_at timestamptz NOT NULL,
  PRIMARY KEY (document_id, field));
ALTER TABLE document_edit_times ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON document_edit_times TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY via_document ON document_edit_times FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM documents d WHERE d.id = document_edit_times.document_id));
GRANT SELECT, INSERT, UPDATE, DELETE ON document_edit_times TO app_service, app_admin;
GRANT SELECT ON document_edit_times TO app_readwrite, app_readonly;

CREATE FUNCTION app.note_edits() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO document_edit_times AS t (document_id, field, edited_at)
  SELECT NEW.id, f, coalesce(app.setting('edited_at')::timestamptz, now())
  FROM unnest(array_remove(ARRAY[
    CASE WHEN NEW.title IS DISTINCT FROM OLD.title THEN 'title' END,
    CASE WHEN NEW.name IS DISTINCT FROM OLD.name THEN 'name' END,
    CASE WHEN NEW.description IS DISTINCT FROM OLD.description THEN 'description' END,
    CASE WHEN NEW.type IS DISTINCT FROM OLD.type THEN 'type' END,
    CASE WHEN NEW.status IS DISTINCT FROM OLD.status THEN 'status' END,
    CASE WHEN NEW.priority IS DISTINCT FROM OLD.priority THEN 'priority' END,
    CASE WHEN NEW.language IS DISTINCT FROM OLD.language THEN 'language' END,
    CASE WHEN NEW.metadata IS DISTINCT FROM OLD.metadata THEN 'metadata' END,
    CASE WHEN NEW.settings IS DISTINCT FROM OLD.settings THEN 'settings' END,
    CASE WHEN NEW.category_id IS DISTINCT FROM OLD.category_id THEN 'category_id' END,
    CASE WHEN NEW.is_template IS DISTINCT FROM OLD.is_template THEN 'is_template' END,
    CASE WHEN NEW.is_public IS DISTINCT FROM OLD.is_public THEN 'is_public' END,
    CASE WHEN NEW.expires_at IS DISTINCT FROM OLD.expires_at THEN 'expires_at' END], NULL)) f
  ON CONFLICT (document_id, field) DO UPDATE SET edited_at = greatest(t.edited_at, EXCLUDED.edited_at);
  RETURN NULL;
END $$;
CREATE TRIGGER documents_40_edits AFTER UPDATE OF title, name, description, type, status, priority, language, metadata,
  settings, category_id, is_template, is_public, expires_at ON documents
  FOR EACH ROW EXECUTE FUNCTION app.note_edits();
CREATE FUNCTION app.note_tagging() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO document_edit_times AS t (document_id, field, edited_at)
  SELECT d.id, 'tags', coalesce(app.setting('edited_at')::timestamptz, now())
  FROM documents d WHERE d.id IN (SELECT document_id FROM changed) ORDER BY d.id
  ON CONFLICT (document_id, field) DO UPDATE SET edited_at = greatest(t.edited_at, EXCLUDED.edited_at);
  RETURN NULL;
END $$;
CREATE TRIGGER tagged_edits AFTER INSERT ON document_tags
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_tagging();
CREATE TRIGGER untagged_edits AFTER DELETE ON document_tags
  REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app.note_tagging();

-- Whether what the document had was later and stays; then `overwritten` is what the device wrote.
ALTER TABLE sync_conflicts ADD kept boolean NOT NULL DEFAULT false;

-- "Somewhere in the title" folds both sides, too.
CREATE OR REPLACE FUNCTION app.documents_listed(p_workspace uuid, p_types text[], p_status text, p_priority text, p_tags text[],
  p_category uuid, p_author uuid, p_text text, p_favourite boolean, p_template boolean, p_trash boolean, p_sort text,
  p_ascending boolean, p_limit integer, p_last text, p_last_id uuid) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  -- What few documents have is collected first and looked up; what many have is met soon on the way through the list,
  -- if only the planner goes that way: it takes an EXISTS that it may not take apart (OFFSET 0) for a condition that
  -- half of all fulfil, and knows neither how many documents have a tag nor what stands in their titles.
  few constant integer := 1000;
  me uuid := app.user_id();
  permissions text[] := coalesce(app.workspace_permissions(p_workspace), '{}');
  key text := CASE p_sort WHEN 'updated' THEN 'd.updated_at' WHEN 'created' THEN 'd.created_at'
    WHEN 'title' THEN 'lower(d.title)' WHEN 'edited' THEN 'coalesce(d.last_edited_at, d.created_at)' END;
  conditions text := 'd.workspace_id = $1';
  pattern text := '%' || replace(replace(replace(app.fold(p_text), '\', '\\'), '%', '\%'), '_', '\_') || '%';
  tags uuid[];
  tagged uuid[];
  titled uuid[];
  found uuid[];
BEGIN
  IF NOT 'can_read' = ANY (permissions) THEN RETURN '{}'; END IF;
  IF p_trash THEN
    conditions := conditions || ' AND d.deleted_at IS NOT NULL';
    IF NOT 'can_delete_documents' = ANY (permissions) THEN
      IF NOT 'can_edit_documents' = ANY (permissions) THEN RETURN '{}'; END IF;
      conditions := conditions || ' AND d.created_by = $2';
    END IF;
  ELSE
    conditions := conditions || ' AND d.deleted_at IS NULL';
  END IF;
  IF cardinality(p_types) = 1 THEN
    conditions := conditions || format(' AND d.type = %L', p_types[1]);
  ELSIF cardinality(p_types) > 1 THEN
    conditions := conditions || format(' AND d.type = ANY (%L::document_type[])', p_types);
  END IF;
  IF p_status IS NOT NULL THEN conditions := conditions || ' AND d.status = $3'; END IF;
  IF p_priority IS NOT NULL THEN conditions := conditions || ' AND d.priority = $4'; END IF;
  IF p_category IS NOT NULL THEN conditions := conditions || ' AND d.category_id = $5'; END IF;
  IF p_author IS NOT NULL THEN conditions := conditions || ' AND d.created_by = $6'; END IF;
  IF p_template IS NOT NULL THEN conditions := conditions || ' AND d.is_template = $7'; END IF;
  IF p_favourite IS NOT NULL THEN
    conditions := concat(conditions, ' AND d.id ', CASE WHEN NOT p_favourite THEN 'NOT ' END,
      'IN (SELECT f.document_id FROM document_favourites f WHERE f.user_id = $2)');
  END IF;
  IF p_text <> '' THEN
    IF NOT p_trash THEN titled := app.titles_containing(p_workspace, p_text, few); END IF;
    conditions := conditions || CASE WHEN titled IS NULL THEN ' AND EXISTS (SELECT WHERE app.fold(d.title) ILIKE $8 OFFSET 0)'
      ELSE ' AND d.id = ANY ($9) AND app.fold(d.title) ILIKE $8' END;
  END IF;
  IF cardinality(p_tags) > 0 THEN
    SELECT t.tags, t.documents INTO tags, tagged FROM app.tagged_with(p_workspace, p_tags, few) t;
    IF tagged IS NULL THEN
      FOR i IN 1 .. cardinality(tags) LOOP
        conditions := conditions || format(
          ' AND EXISTS (SELECT FROM document_tags x WHERE x.document_id = d.id AND x.tag_id = %L OFFSET 0)', tags[i]);
      END LOOP;
    ELSE
      conditions := conditions || ' AND d.id = ANY ($10)';
    END IF;
  END IF;
  IF p_last_id IS NOT NULL THEN
    conditions := conditions || format(' AND %1$s %2$s= $11%4$s AND (%1$s %2$s $11%4$s OR d.id %3$s $12)', key,
      CASE WHEN p_ascending THEN '>' ELSE '<' END, CASE WHEN p_ascending THEN '<' ELSE '>' END,
      CASE WHEN p_sort <> 'title' THEN '::timestamptz' END);
  END IF;
  EXECUTE format('SELECT ARRAY(SELECT d.id FROM documents d WHERE %s ORDER BY %s %s, d.id %s LIMIT $13)', conditions, key,
      CASE WHEN p_ascending THEN 'ASC' ELSE 'DESC' END, CASE WHEN p_ascending THEN 'DESC' ELSE 'ASC' END)
    INTO found
    USING p_workspace, me, p_status, p_priority, p_category, p_author, p_template, pattern, titled, tagged, p_last,
      p_last_id, p_limit;
  RETURN found;
END $$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
