"""Names and titles are composed (Unicode NFC), whoever writes them: what looks the same is one address.

Revision ID: 0030_composed_names
"""

from collab_server.backends.migrate import execute_script

revision = "0030_composed_names"
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

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
"""

DOWNGRADE = """
DROP TRIGGER documents_composed ON documents;
DROP FUNCTION app.documents_composed();
"""


def upgrade() -> None:
    execute_script(UPGRADE)


def downgrade() -> None:
    execute_script(DOWNGRADE)
