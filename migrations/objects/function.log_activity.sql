-- As before, and: what acts without an account has a name (the setting actor_name), such as the operator's.
CREATE OR REPLACE FUNCTION app.log_activity(p_action text, p_entity_type text, p_entity_id text,
  p_workspace uuid DEFAULT NULL, p_changed text[] DEFAULT NULL, p_data jsonb DEFAULT '{}', p_actor uuid DEFAULT NULL,
  p_ip text DEFAULT NULL, p_user_agent text DEFAULT NULL) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  INSERT INTO activity_log (actor_id, actor_name, workspace_id, action, entity_type, entity_id, changed_fields, data,
                            ip_address, user_agent)
  SELECT a.id, coalesce((SELECT coalesce(display_name, username, email) FROM users u WHERE u.id = a.id),
                        app.setting('actor_name')), p_workspace, p_action,
         p_entity_type, p_entity_id, p_changed, p_data, coalesce(p_ip, app.setting('client_ip')),
         coalesce(p_user_agent, app.setting('user_agent'))
  FROM (VALUES (coalesce(p_actor, app.user_id()))) a (id) $$;
REVOKE EXECUTE ON FUNCTION app.log_activity(text, text, text, uuid, text[], jsonb, uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.log_activity(text, text, text, uuid, text[], jsonb, uuid, text, text) TO app_service, app_admin;
