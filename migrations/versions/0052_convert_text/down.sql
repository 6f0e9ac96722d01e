UPDATE document_versions SET kind = 'restore' WHERE kind = 'conversion';
ALTER TABLE document_versions DROP CONSTRAINT document_versions_kind_check, ADD CONSTRAINT document_versions_kind_check
  CHECK (kind IN ('auto', 'manual', 'restore', 'import', 'before-deletion'));
ALTER TABLE document_generations DROP COLUMN converted_to;
