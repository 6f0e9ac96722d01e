-- When a person last had a document open, and when the visit before this one ended.
-- objects: bedd24a77456b60d
ALTER TABLE document_views ADD COLUMN seen_at timestamptz, ADD COLUMN previous_at timestamptz;
