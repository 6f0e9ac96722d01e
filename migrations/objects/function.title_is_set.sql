-- For whoever may see the document, which is asked elsewhere.
CREATE OR REPLACE FUNCTION app.title_is_set(p_document uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT title_is_set FROM documents WHERE id = p_document $$;
REVOKE EXECUTE ON FUNCTION app.title_is_set(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.title_is_set(uuid) TO app_readonly, app_readwrite, app_service, app_admin;
