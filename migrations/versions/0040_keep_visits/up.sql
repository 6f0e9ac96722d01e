-- When a person last had a document open, and when the visit before this one ended.
-- objects: f6dc4372fa9f9959
ALTER TABLE document_views ADD COLUMN seen_at timestamptz, ADD COLUMN previous_at timestamptz;
