-- When a person last had a document open, and when the visit before this one ended.
-- objects: 1bfdbb59c7f06d7b
ALTER TABLE document_views ADD COLUMN seen_at timestamptz, ADD COLUMN previous_at timestamptz;
