-- Texts served to API clients. They are the base for a three-way merge of a later write.

CREATE TABLE document_bases (  -- the last few per document; older ones are not known any more
  document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
  content_hash text NOT NULL CHECK (content_hash ~ '^[0-9a-f]{64}$'), content text NOT NULL,
  state_vector bytea NOT NULL,  -- of the document when it said this
  served_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (document_id, content_hash));
CREATE INDEX document_bases_served ON document_bases (served_at);
ALTER TABLE document_bases ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON document_bases TO app_service, app_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON document_bases TO app_service, app_admin;
