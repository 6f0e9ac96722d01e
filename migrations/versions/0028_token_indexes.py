"""Indexes of links by address, and of tokens by what made them.

Revision ID: 0028_token_indexes
"""

from collab_server.backends.migrate import create_index, drop_index

revision = "0028_token_indexes"
down_revision = "0027_checksums"
branch_labels = None
depends_on = None

INDEXES = {
    "sign_in_links_email": "sign_in_links (lower(email)) WHERE email IS NOT NULL",
    "access_tokens_parent": "access_tokens (parent_token_id) WHERE parent_token_id IS NOT NULL",
    "access_tokens_parent_session": "access_tokens (parent_session_id) WHERE parent_session_id IS NOT NULL",
}


def upgrade() -> None:
    for name, definition in INDEXES.items():
        create_index(name, definition)


def downgrade() -> None:
    for name in INDEXES:
        drop_index(name)
