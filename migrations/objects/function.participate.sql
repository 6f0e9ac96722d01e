-- Whoever comments or is mentioned takes part in the discussions of the document from then on, unless they chose otherwise.
CREATE OR REPLACE FUNCTION app.participate(p_user uuid, p_document uuid, p_reason text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  INSERT INTO subscriptions (user_id, document_id, level, reason) VALUES (p_user, p_document, 'participating', p_reason)
  ON CONFLICT (user_id, document_id) DO NOTHING $$;
REVOKE EXECUTE ON FUNCTION app.participate(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.participate(uuid, uuid, text) TO app_service, app_admin;
