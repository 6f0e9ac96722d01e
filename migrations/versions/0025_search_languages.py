"""An index that tells which languages a workspace's documents have.

Revision ID: 0025_search_languages
"""

from collab_server.backends.migrate import create_index, drop_index

revision = "0025_search_languages"
down_revision = "0024_document_bounds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_index("document_search_language_workspace", "document_search (language, workspace_id)")
    drop_index("document_search_language")


def downgrade() -> None:
    create_index("document_search_language", "document_search (language)")
    drop_index("document_search_language_workspace")
