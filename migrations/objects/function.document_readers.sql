-- Ids of the people whom a document is open to by name: members and people whom it is shared with. Empty for a caller who may
-- not comment on it, or who has no account.
CREATE OR REPLACE FUNCTION app.document_readers(p_document uuid) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF app.user_id() IS NULL OR coalesce(app.document_permission(p_document) < 'comment', true) THEN RETURN '{}'; END IF;
  RETURN ARRAY(SELECT DISTINCT user_id FROM document_collaborators WHERE document_id = p_document);
END $$;
REVOKE EXECUTE ON FUNCTION app.document_readers(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.document_readers(uuid) TO app_readonly, app_readwrite, app_service, app_admin;
