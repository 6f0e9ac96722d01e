"""The files of the database schema: versions with their steps up and down, and replaceable objects.

`versions/NNNN_verb_object/up.sql` and `down.sql` are run once, in the order of the numbers. `objects/*.sql` hold
functions, views, triggers and policies; a file is run whenever its hash differs from the one stored in the database.
"""

import hashlib
from pathlib import Path

import collab_server
from collab_server.errors import ConfigurationError

OUTSIDE_TRANSACTION = "-- no transaction\n"
"""First line of a step whose statements run one by one and outside a transaction, such as CREATE INDEX CONCURRENTLY.
Such a step can be repeated from its beginning, and no statement of it contains a semicolon at the end of a line."""

FORMER_NAMES = {
    "0001_create_accounts": "0001_accounts",
    "0002_create_documents": "0002_documents",
    "0003_create_log": "0003_log",
    "0004_create_search": "0004_search",
    "0005_create_sign_in": "0005_sign_in",
    "0006_create_teams": "0006_teams",
    "0007_create_tags_and_archive": "0007_organizing",
    "0008_rank_search_results": "0008_finding",
    "0009_notify_access_changes": "0009_notices",
    "0010_create_activity_log": "0010_activity",
    "0011_hide_deleted_workspaces": "0011_public_documents",
    "0012_index_document_tags": "0012_lists",
    "0013_create_offline_sync": "0013_sync",
    "0014_create_change_feed": "0014_changes",
    "0015_create_presence": "0015_presence",
    "0016_create_document_bases": "0016_content_bases",
    "0017_list_document_details": "0017_pages",
    "0018_record_client_versions": "0018_client_versions",
    "0019_fix_query_plans": "0019_plans",
    "0020_find_tagged_documents": "0020_tagged",
    "0021_find_titles_everywhere": "0021_everywhere",
    "0022_list_documents": "0022_listed",
    "0023_keep_former_slugs": "0023_address_rights",
    "0024_limit_documents": "0024_document_bounds",
    "0025_index_search_languages": "0025_search_languages",
    "0026_audit_accounts": "0026_accounts_audit",
    "0027_store_checksums": "0027_checksums",
    "0028_index_tokens": "0028_token_indexes",
    "0029_index_word_parts": "0029_search_parts",
    "0030_compose_names": "0030_names_and_edits",
    "0031_derive_titles": "0031_expiry_titles",
}
"""Names under which the database stores the first versions. Releases that know only these can then use a database that
was taken back to one of them."""
_PRESENT_NAMES = {former: present for present, former in FORMER_NAMES.items()}

_KINDS = ("function", "view", "triggers", "policies")


def folder() -> Path:
    """The migrations inside an installed package, or beside it in a checkout."""
    package = Path(collab_server.__file__).parent
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "migrations"


def list_versions() -> list[str]:
    """All versions, oldest first."""
    return sorted(path.parent.name for path in (folder() / "versions").glob("[0-9]*/up.sql"))


def read_step(version: str, direction: str) -> str:
    """The SQL of one version; `direction` is `up` or `down`."""
    return (folder() / "versions" / version / f"{direction}.sql").read_text()


def present_name(version: str) -> str:
    """The name of a version today, for a name that is stored in a database or given by an operator."""
    return _PRESENT_NAMES.get(version, version)


def get_version(name: str) -> str:
    """The present name of a version. Raises ConfigurationError where there is none of this name."""
    version = present_name(name)
    if version not in list_versions():
        raise ConfigurationError(f"there is no version {name} of the schema")
    return version


def stored_name(version: str) -> str:
    """The name under which the database stores a version."""
    return FORMER_NAMES.get(version, version)


def read_objects() -> dict[str, str]:
    """SQL of the replaceable objects by file name, each kind after the kinds that it refers to.

    Functions may refer to anything, because their bodies are not checked on creation. Views sort by name.
    """
    paths = (folder() / "objects").glob("*.sql")
    ordered = sorted(paths, key=lambda path: (_KINDS.index(path.stem.partition(".")[0]), path.stem))
    return {path.stem: path.read_text() for path in ordered}


def hash_object(sql: str) -> str:
    """The SHA-256 of an object's SQL, in hexadecimal digits."""
    return hashlib.sha256(sql.encode()).hexdigest()
