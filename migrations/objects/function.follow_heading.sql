-- p_heading: the first one of the content that was stored in this transaction, NULL for none. -> true.
CREATE OR REPLACE FUNCTION app.follow_heading(p_document uuid, p_heading text) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE documents SET title = coalesce(p_heading, app.title_without(name))
    WHERE id = p_document AND NOT title_is_set AND title <> coalesce(p_heading, app.title_without(name));
  RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION app.follow_heading(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.follow_heading(uuid, text) TO app_readonly, app_readwrite, app_service, app_admin;
