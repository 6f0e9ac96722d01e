-- Whom a document is open to by name: active members who may read the workspace, and people whom it is shared with. A person
-- may be there twice. Row-level security of the caller applies: only those who decide about a document see its shares.
CREATE OR REPLACE VIEW document_collaborators WITH (security_invoker = true) AS
SELECT d.id AS document_id, m.user_id, m.role::text AS via, m.joined_at AS since
FROM documents d JOIN workspace_members m ON m.workspace_id = d.workspace_id AND m.is_active
  JOIN users u ON u.id = m.user_id AND u.is_active AND u.deleted_at IS NULL
WHERE d.deleted_at IS NULL AND 'can_read' = ANY (app.effective_permissions(m.role, m.permissions))
UNION ALL
SELECT d.id, s.grantee_id, 'share:' || s.permission::text, s.created_at
FROM shares s JOIN documents d ON d.id = s.document_id AND d.deleted_at IS NULL
  JOIN users u ON u.id = s.grantee_id AND u.is_active AND u.deleted_at IS NULL
WHERE s.revoked_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > now());
GRANT SELECT ON document_collaborators TO app_readonly, app_readwrite, app_service, app_admin;
