CREATE OR REPLACE FUNCTION app.workspace_after_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO workspace_usage (workspace_id) VALUES (NEW.id);
  INSERT INTO workspace_members (workspace_id, user_id, role) VALUES (NEW.id, NEW.owner_id, 'owner');
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.workspace_after_insert() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.workspace_after_insert() TO app_service, app_admin;
