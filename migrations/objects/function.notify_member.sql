-- Of being added to a workspace by somebody, and of another role there.
CREATE OR REPLACE FUNCTION app.notify_member() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE actor uuid := app.user_id(); added boolean := TG_OP = 'INSERT';
BEGIN
  IF NOT added THEN added := NOT OLD.is_active; END IF;
  IF NOT NEW.is_active OR NEW.user_id IS NOT DISTINCT FROM actor OR (added AND NEW.role = 'owner')
     OR NOT app.may_be_told(NEW.user_id, NEW.workspace_id) THEN
    RETURN NULL;
  END IF;
  PERFORM app.notify(NEW.user_id, CASE WHEN added THEN 'membership' ELSE 'role' END, NEW.workspace_id, NULL, NULL,
                     array_remove(ARRAY[actor], NULL), p_data => jsonb_build_object('role', NEW.role));
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.notify_member() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.notify_member() TO app_service, app_admin;
