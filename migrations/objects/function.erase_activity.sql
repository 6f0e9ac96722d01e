-- What an account that is erased leaves in the log: that something was done, not who it was.
CREATE OR REPLACE FUNCTION app.erase_activity(p_user uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  UPDATE activity_log SET actor_id = NULL, actor_name = NULL, ip_address = NULL, user_agent = NULL,
      data = CASE WHEN entity_type IN ('access_token', 'session') THEN '{}' ELSE data END
    WHERE actor_id = p_user;
  UPDATE activity_log SET data = '{}' WHERE entity_type = 'user' AND entity_id = p_user::text;
  UPDATE activity_log SET ip_address = NULL, user_agent = NULL
    WHERE entity_type = 'user' AND entity_id = p_user::text AND actor_id IS NULL AND action = 'sign_in_failed';
  UPDATE activity_log a SET entity_id = '', ip_address = NULL, user_agent = NULL FROM users u
    WHERE u.id = p_user AND a.entity_type = 'address' AND a.entity_id = lower(u.email);
  UPDATE activity_log SET data = '{}' WHERE entity_type IN ('access_token', 'session')
    AND p_user::text IN (data #>> '{new,user_id}', data #>> '{old,user_id}', data ->> 'user_id');
  UPDATE activity_log SET data = '{}' WHERE entity_type = 'access_token'
    AND entity_id IN (SELECT id::text FROM access_tokens WHERE user_id = p_user);
  -- Named after the person, as are perhaps its documents.
  UPDATE activity_log a SET data = '{}' FROM workspaces w
    WHERE w.owner_id = p_user AND w.kind = 'personal' AND a.workspace_id = w.id;
  UPDATE activity_log a SET data = '{}' FROM invitations i JOIN users u ON lower(u.email) = lower(i.email)
    WHERE u.id = p_user AND a.entity_type = 'invitation' AND a.entity_id = i.id::text $$;
REVOKE EXECUTE ON FUNCTION app.erase_activity(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.erase_activity(uuid) TO app_service, app_admin;
