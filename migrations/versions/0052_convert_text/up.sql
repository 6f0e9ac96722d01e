-- Documents that become rich text or Markdown: the kind of text of the next generation, and the version before it.
-- objects: fbb23b2acd8406c6
ALTER TABLE document_generations ADD COLUMN converted_to text CHECK (converted_to IN ('markdown', 'rich_text'));
ALTER TABLE document_versions DROP CONSTRAINT document_versions_kind_check, ADD CONSTRAINT document_versions_kind_check
  CHECK (kind IN ('auto', 'manual', 'restore', 'import', 'before-deletion', 'conversion'));
