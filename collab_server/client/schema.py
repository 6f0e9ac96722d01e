"""The tables of the client's file, by version: a file of an earlier version gets the tables of the later ones."""

import os
import sqlite3

_DOCUMENTS = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
  id TEXT PRIMARY KEY, workspace_id TEXT NOT NULL,
  fields TEXT NOT NULL DEFAULT '{}',   -- JSON, as the server last told them
  row_version INTEGER NOT NULL DEFAULT 0,
  generation INTEGER,                  -- NULL: nothing has come from the server yet
  seq INTEGER NOT NULL DEFAULT 0,      -- all of the server's log up to there is here
  client_id INTEGER NOT NULL,          -- as which Yjs client it is edited here
  snapshot BLOB NOT NULL DEFAULT x'0000',
  folded INTEGER NOT NULL DEFAULT 0,   -- the number of the last update in it
  dirty INTEGER NOT NULL DEFAULT 0,    -- how often the server has announced news since the last pull
  removed INTEGER NOT NULL DEFAULT 0,  -- deleted here; the server may not know it yet
  refused TEXT                         -- the code with which the server refuses what was done here
);
CREATE INDEX documents_dirty ON documents (dirty) WHERE dirty > 0;
CREATE TABLE tail (                    -- updates after the snapshot, from here and from the server
  n INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT NOT NULL REFERENCES documents ON DELETE CASCADE,
  payload BLOB NOT NULL);
CREATE INDEX tail_document ON tail (document_id, n);
CREATE TABLE journal (                 -- what the server has not acknowledged; n is the key of a mutation
  n INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT NOT NULL REFERENCES documents ON DELETE CASCADE,
  kind TEXT NOT NULL, payload BLOB, body TEXT);
CREATE INDEX journal_document ON journal (document_id, n);
CREATE TABLE rescued (                 -- texts that the server would not take, and what else went wrong
  n INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT NOT NULL, title TEXT NOT NULL, reason TEXT NOT NULL,
  content TEXT);
"""
_COMMENTS = """
CREATE TABLE discussions (             -- documents whose comments are kept here
  document_id TEXT PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
  listed INTEGER NOT NULL DEFAULT 0,   -- all of them have been here
  wanted INTEGER NOT NULL DEFAULT 0    -- how often all of them have been asked for since they came
) WITHOUT ROWID;
CREATE INDEX discussions_wanted ON discussions (wanted) WHERE wanted > 0;
CREATE TABLE comments (
  id TEXT PRIMARY KEY, document_id TEXT NOT NULL REFERENCES documents ON DELETE CASCADE,
  fields TEXT NOT NULL                 -- JSON, as the server last told them
) WITHOUT ROWID;
CREATE INDEX comments_document ON comments (document_id);
CREATE TABLE comment_news (            -- comments to be fetched; told: how often the server has announced them
  id TEXT PRIMARY KEY, document_id TEXT NOT NULL REFERENCES documents ON DELETE CASCADE,
  told INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
CREATE INDEX comment_news_document ON comment_news (document_id);
CREATE TABLE comment_journal (         -- what the server has not acknowledged; it outlives a document that is gone
  n INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT NOT NULL, comment_id TEXT NOT NULL,
  kind TEXT NOT NULL, body TEXT NOT NULL,
  tried INTEGER NOT NULL DEFAULT 0     -- it may have arrived
);
CREATE INDEX comment_journal_document ON comment_journal (document_id, n);
CREATE TABLE comment_refusals (        -- what the server did not take, and why; theirs: the text that it has instead
  n INTEGER PRIMARY KEY AUTOINCREMENT, document_id TEXT NOT NULL, comment_id TEXT NOT NULL,
  kind TEXT NOT NULL, body TEXT NOT NULL, code TEXT NOT NULL, detail TEXT NOT NULL, theirs TEXT
);
"""
_FILES = """
CREATE TABLE file_lists (              -- documents whose attachments are listed here
  document_id TEXT PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
  wanted INTEGER NOT NULL DEFAULT 0    -- how often they have been asked for since they came
) WITHOUT ROWID;
CREATE TABLE files (
  id TEXT PRIMARY KEY, document_id TEXT NOT NULL REFERENCES documents ON DELETE CASCADE,
  place INTEGER NOT NULL, fields TEXT NOT NULL  -- JSON, as the server last told them
) WITHOUT ROWID;
CREATE INDEX files_document ON files (document_id, place);
"""
_VERSIONS = (_DOCUMENTS, _COMMENTS, _FILES)


def connect(path: str) -> sqlite3.Connection:
    """Open the file, or create it for its owner alone, because it contains the token. Commits are synchronous."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    conn = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=True)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute("PRAGMA synchronous = FULL")
    conn.execute("PRAGMA foreign_keys = ON")
    conn.execute("BEGIN IMMEDIATE")
    try:
        for tables in _VERSIONS[conn.execute("PRAGMA user_version").fetchone()[0] :]:
            for statement in tables.split(";\n"):
                if statement.strip():
                    conn.execute(statement)
        conn.execute(f"PRAGMA user_version = {len(_VERSIONS)}")
        conn.execute("COMMIT")
    except BaseException:
        conn.close()
        raise
    return conn
