CREATE OR REPLACE FUNCTION app.documents_after_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO document_heads (document_id) VALUES (NEW.id);
  INSERT INTO document_stats (document_id) VALUES (NEW.id);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.documents_after_insert() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.documents_after_insert() TO app_service, app_admin;
