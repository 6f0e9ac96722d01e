-- Whether a person may be told of something: in a workspace or a document shared with them (discussions, too), or, with
-- p_edits, in a document that they read because it is public. The server's own transactions do not know the guests' role in the playground.
CREATE OR REPLACE FUNCTION app.may_be_told(p_user uuid, p_workspace uuid, p_document uuid DEFAULT NULL, p_edits boolean DEFAULT false)
RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT EXISTS (
    SELECT FROM workspaces w LEFT JOIN documents d ON d.id = p_document
    WHERE w.id = p_workspace AND w.deleted_at IS NULL
      AND (p_document IS NULL OR (d.deleted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now())))
      AND ((p_edits AND d.is_public)
        OR (w.kind = 'playground'
            AND (app.setting('guest_role') IS NOT NULL OR current_setting('role', true) = 'app_service'))
        OR (p_document IS NOT NULL AND app.share_permission(p_document, p_user, NULL) IS NOT NULL)
        OR EXISTS (SELECT FROM workspace_members m WHERE m.workspace_id = w.id AND m.user_id = p_user AND m.is_active
                   AND 'can_read' = ANY (app.effective_permissions(m.role, m.permissions))))) $$;
REVOKE EXECUTE ON FUNCTION app.may_be_told(uuid, uuid, uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.may_be_told(uuid, uuid, uuid, boolean) TO app_service, app_admin;
