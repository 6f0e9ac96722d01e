-- One document lies in one workspace: nobody's rights in all others need be known.
CREATE OR REPLACE FUNCTION app.permission_among(p_permissions text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN 'can_delete_documents' = ANY (p_permissions) THEN 'admin'
              WHEN 'can_edit_documents' = ANY (p_permissions) THEN 'write'
              WHEN 'can_comment' = ANY (p_permissions) THEN 'comment'
              WHEN 'can_read' = ANY (p_permissions) THEN 'read' END $$;
REVOKE EXECUTE ON FUNCTION app.permission_among(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.permission_among(text[]) TO app_readonly, app_readwrite, app_service, app_admin;
