-- Texts of PDF and Word attachments, which the search finds where COLLAB_SEARCH_ATTACHMENTS is on.
-- New objects: function.attachment_text_due, function.document_texts_due, function.search_attachments, policies.attachment_texts.
-- Changed: triggers.attachments, triggers.documents.
-- objects: 7fd7df878067a85c
CREATE TABLE attachment_texts (
  attachment_id uuid PRIMARY KEY REFERENCES attachments ON DELETE CASCADE, document_id uuid NOT NULL, workspace_id uuid NOT NULL,
  -- attempts: begun; claimed_at: of the last one.
  status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'complete', 'failed')),
  attempts integer NOT NULL DEFAULT 0, claimed_at timestamptz, problem text CHECK (length(problem) <= 500),
  content text NOT NULL DEFAULT '', truncated boolean NOT NULL DEFAULT false,
  tsv tsvector, language text NOT NULL DEFAULT 'simple',
  created_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (document_id, workspace_id) REFERENCES documents (id, workspace_id) ON UPDATE CASCADE ON DELETE CASCADE);
CREATE INDEX attachment_texts_document ON attachment_texts (document_id, workspace_id);
CREATE INDEX attachment_texts_todo ON attachment_texts (created_at) WHERE status IN ('pending', 'processing');
CREATE INDEX attachment_texts_words ON attachment_texts USING gin ((ARRAY[workspace_id]), tsv) WITH (gin_pending_list_limit = 256);
ALTER TABLE attachment_texts ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON attachment_texts TO app_service, app_admin;
INSERT INTO attachment_texts (attachment_id, document_id, workspace_id, created_at)
SELECT id, document_id, workspace_id, created_at FROM attachments WHERE content_type IN
  ('application/pdf', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document');
