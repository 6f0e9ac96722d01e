-- Of an invitation, where the invited address is proved to be an account's.
CREATE OR REPLACE FUNCTION app.notify_invitation() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM app.notify(u.id, 'invitation', NEW.workspace_id, NULL, NULL, array_remove(ARRAY[NEW.invited_by], NULL),
                     p_data => jsonb_build_object('role', NEW.role), p_invitation => NEW.id)
  FROM users u WHERE lower(u.email) = lower(NEW.email) AND u.email_verified AND u.id IS DISTINCT FROM NEW.invited_by;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.notify_invitation() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.notify_invitation() TO app_service, app_admin;
