CREATE OR REPLACE FUNCTION app.search_enqueue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' OR NEW.row_version <> OLD.row_version THEN
    INSERT INTO search_queue (document_id) VALUES (NEW.id);
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.search_enqueue() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_enqueue() TO app_service, app_admin;
