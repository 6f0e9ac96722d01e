-- Documents that are replaced by a fresh copy: where each generation ended, and how the next one began.
-- New objects: function.replace_generation, function.generation_changed, policies.document_generations. Changed: function.append_edits,
-- function.append_rows, triggers.documents.
ALTER TABLE document_heads ADD generation bigint NOT NULL DEFAULT 0;  -- as in documents
CREATE TABLE document_generations (
  document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE, generation bigint NOT NULL,  -- the one that ended
  last_seq bigint NOT NULL,
  state bytea,  -- its content at the end, and edits of it that came later; NULL: not kept any more
  next_state bytea,  -- the same in the next generation
  next_vector bytea NOT NULL,  -- state vector with which the next generation began
  clients bigint[] NOT NULL,  -- Yjs client ids of the generation
  replaced_by uuid REFERENCES users ON DELETE SET NULL, replaced_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (document_id, generation));
CREATE INDEX document_generations_author ON document_generations (replaced_by);
ALTER TABLE document_generations ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON document_generations TO app_service, app_admin;
DROP FUNCTION IF EXISTS app.append_edits(uuid[], bytea[], bigint[], uuid[], text[], text[], text[], boolean);
