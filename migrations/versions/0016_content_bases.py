"""Texts that programs have read, so that what they send back can be merged with what people typed meanwhile.

Revision ID: 0016_content_bases
"""

from collab_server.backends.migrate import execute_script

revision = "0016_content_bases"
down_revision = "0015_presence"
branch_labels = None
depends_on = None

UPGRADE = r"""
CREATE TABLE document_bases (  -- the last few per document; older ones are not known any more
  document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
  content_hash text NOT NULL CHECK (content_hash ~ '^[0-9a-f]{64}$'), content text NOT NULL,
  state_vector bytea NOT NULL,  -- of the document when it said this
  served_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (document_id, content_hash));
CREATE INDEX document_bases_served ON document_bases (served_at);
ALTER TABLE document_bases ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON document_bases TO app_service, app_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON document_bases TO app_service, app_admin;
"""

DOWNGRADE = "DROP TABLE document_bases;"


def upgrade() -> None:
    execute_script(UPGRADE)


def downgrade() -> None:
    execute_script(DOWNGRADE)
