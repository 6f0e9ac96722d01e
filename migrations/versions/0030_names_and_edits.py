"""Names and titles are composed (Unicode NFC), whoever writes them; when each field was edited is known.

Revision ID: 0030_names_and_edits
"""

from collab_server.backends.migrate import execute_script

revision = "0030_names_and_edits"
down_revision = "0029_search_parts"
branch_labels = None
depends_on = None

UPGRADE = r"""
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

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
"""

DOWNGRADE = """
ALTER TABLE sync_conflicts DROP kept;
DROP TRIGGER untagged_edits ON document_tags;
DROP TRIGGER tagged_edits ON document_tags;
DROP TRIGGER documents_40_edits ON documents;
DROP FUNCTION app.note_tagging(), app.note_edits();
DROP TABLE document_edit_times;
DROP TRIGGER documents_composed ON documents;
DROP FUNCTION app.documents_composed();
"""


def upgrade() -> None:
    execute_script(UPGRADE)


def downgrade() -> None:
    execute_script(DOWNGRADE)
