-- What an account that is erased leaves in the notifications of others: that something was done, not who did it.
CREATE OR REPLACE FUNCTION app.erase_notifications(p_user uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DELETE FROM notifications WHERE user_id = p_user;
  DELETE FROM subscriptions WHERE user_id = p_user;
  DELETE FROM mail_outbox WHERE user_id = p_user;
  UPDATE notifications SET actor_ids = array_remove(actor_ids, p_user) WHERE p_user = ANY (actor_ids) $$;
REVOKE EXECUTE ON FUNCTION app.erase_notifications(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.erase_notifications(uuid) TO app_service, app_admin;
