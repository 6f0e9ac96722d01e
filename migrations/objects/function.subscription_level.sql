-- What a person wants to hear of a document: follow, participating or muted; NULL: nothing is chosen. The person's choice
-- for the document beats that for the workspace, which beats what a comment or a mention has given. Not SECURITY DEFINER: people see their own only.
CREATE OR REPLACE FUNCTION app.subscription_level(p_user uuid, p_document uuid, p_workspace uuid) RETURNS text
LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
  SELECT s.level FROM subscriptions s
  WHERE s.user_id = p_user AND (s.document_id = p_document OR s.workspace_id = p_workspace)
  ORDER BY CASE WHEN s.workspace_id IS NOT NULL THEN 2 WHEN s.reason = 'chosen' THEN 1 ELSE 3 END LIMIT 1 $$;
REVOKE EXECUTE ON FUNCTION app.subscription_level(uuid, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.subscription_level(uuid, uuid, uuid) TO app_readonly, app_readwrite, app_service, app_admin;
