-- Who takes part in a thread: authors of its comments, and people mentioned in them.
CREATE OR REPLACE FUNCTION app.thread_people(p_thread uuid, p_except uuid DEFAULT NULL) RETURNS TABLE (user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT c.author_id FROM comments c
    WHERE c.thread_id = p_thread AND c.id IS DISTINCT FROM p_except AND c.deleted_at IS NULL AND c.author_id IS NOT NULL
  UNION SELECT m.user_id FROM comments c JOIN comment_mentions m ON m.comment_id = c.id
    WHERE c.thread_id = p_thread AND c.id IS DISTINCT FROM p_except AND c.deleted_at IS NULL $$;
REVOKE EXECUTE ON FUNCTION app.thread_people(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.thread_people(uuid, uuid) TO app_service, app_admin;
