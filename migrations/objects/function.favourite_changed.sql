CREATE OR REPLACE FUNCTION app.favourite_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE document uuid := coalesce(NEW.document_id, OLD.document_id);
BEGIN
  PERFORM app.record_change(d.workspace_id, 'favourite', d.id, d.id,
    CASE TG_OP WHEN 'INSERT' THEN 'create' ELSE 'delete' END::change_operation,
    p_target => coalesce(NEW.user_id, OLD.user_id))
  FROM documents d WHERE d.id = document;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.favourite_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.favourite_changed() TO app_service, app_admin;
