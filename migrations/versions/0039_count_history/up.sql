-- The history of a document counts in the storage of its workspace, and rows that removed much of a text wait for a version.
-- New objects: function.count_history, triggers.history_segments. Changed: function.add_storage, function.count_storage,
-- function.recount_storage, function.collapse_history, function.fold_into_history, function.add_version,
-- triggers.documents, triggers.document_versions.

-- What the history of a document takes, next to its content. Its triggers are in objects.
ALTER TABLE history_segments ADD stored_bytes bigint NOT NULL GENERATED ALWAYS AS (coalesce(octet_length(payload), 0)) STORED;
ALTER TABLE document_versions ADD stored_bytes bigint NOT NULL GENERATED ALWAYS AS (
  octet_length(content)::bigint + octet_length(yjs_snapshot) + coalesce(octet_length(diff_patch), 0)) STORED;
ALTER TABLE documents ADD history_bytes bigint NOT NULL DEFAULT 0;
ALTER TABLE workspace_usage ADD history_bytes bigint NOT NULL DEFAULT 0;
ALTER TABLE storage_changes ADD history_bytes bigint NOT NULL DEFAULT 0;

-- Rows of the log that removed more than half of a text. They wait for the version of the text before them.
ALTER TABLE document_heads ADD removals bigint[] NOT NULL DEFAULT '{}';

UPDATE documents d SET history_bytes = h.bytes FROM (
  SELECT document_id, sum(stored_bytes) AS bytes FROM (
    SELECT document_id, stored_bytes FROM history_segments UNION ALL SELECT document_id, stored_bytes FROM document_versions) s
  GROUP BY document_id) h
WHERE d.id = h.document_id;
UPDATE workspace_usage u SET history_bytes = h.bytes FROM (
  SELECT workspace_id, sum(history_bytes) AS bytes FROM documents GROUP BY workspace_id) h
WHERE u.workspace_id = h.workspace_id AND h.bytes > 0;

DROP TRIGGER storage ON documents;
DROP FUNCTION app.add_storage(uuid, bigint, integer);
DROP FUNCTION IF EXISTS app.collapse_history(uuid, timestamptz[], bigint, timestamptz, bytea);
DROP FUNCTION IF EXISTS app.fold_into_history(uuid, bigint, bigint, bytea, bytea, bigint, text, integer, boolean,
  bigint, timestamptz, timestamptz, integer, text, bytea, timestamptz[]);
DROP FUNCTION IF EXISTS app.add_version(uuid, bigint, text, text, boolean, text, text, text, boolean, bytea, bytea, text, jsonb,
  text, jsonb, uuid, boolean);
