-- Names of the people in the caller's own notifications, also of those who have left the workspace since.
CREATE OR REPLACE FUNCTION app.notification_actors(p_ids uuid[]) RETURNS TABLE (notification_id uuid, actors jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT n.id, jsonb_agg(jsonb_build_object('id', u.id, 'name', coalesce(u.display_name, u.username, u.email),
                                            'avatar_url', u.avatar_url) ORDER BY x.place)
  FROM notifications n CROSS JOIN unnest(n.actor_ids) WITH ORDINALITY x (id, place) JOIN users u ON u.id = x.id
  WHERE n.id = ANY (p_ids) AND n.user_id = app.user_id() GROUP BY n.id $$;
REVOKE EXECUTE ON FUNCTION app.notification_actors(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.notification_actors(uuid[]) TO app_readonly, app_readwrite, app_service, app_admin;
