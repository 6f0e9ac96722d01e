CREATE OR REPLACE FUNCTION app.audit_session() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM app.log_activity('sign_in', 'session', NEW.id::text, p_actor => NEW.user_id, p_ip => host(NEW.ip_address),
      p_user_agent => NEW.user_agent,
      p_data => jsonb_strip_nulls(jsonb_build_object('by', NEW.signed_in_by, 'link_made_by', NEW.link_made_by)));
  ELSIF OLD.expires_at > now() AND EXISTS (SELECT FROM users WHERE id = OLD.user_id) THEN
    PERFORM app.log_activity('sign_out', 'session', OLD.id::text,
      p_actor => CASE WHEN app.setting('actor_name') IS NULL THEN coalesce(app.user_id(), OLD.user_id) END,
      p_data => jsonb_build_object('user_id', OLD.user_id));
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.audit_session() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.audit_session() TO app_service, app_admin;
