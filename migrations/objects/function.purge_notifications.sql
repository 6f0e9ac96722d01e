-- Entries that were read or put away so many days ago, others after a year, and finished mails. -> how many
CREATE OR REPLACE FUNCTION app.purge_notifications(p_days integer DEFAULT 90, p_limit integer DEFAULT 10000) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH old AS (DELETE FROM notifications WHERE id IN (
      SELECT id FROM notifications
      WHERE greatest(read_at, archived_at) < now() - make_interval(days => p_days)
        OR updated_at < now() - make_interval(days => greatest(365, p_days)) LIMIT p_limit) RETURNING 1),
    mails AS (DELETE FROM mail_outbox WHERE id IN (
      SELECT id FROM mail_outbox WHERE finished_at < now() - make_interval(days => p_days) LIMIT p_limit) RETURNING 1)
  SELECT ((SELECT count(*) FROM old) + (SELECT count(*) FROM mails))::integer $$;
REVOKE EXECUTE ON FUNCTION app.purge_notifications(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.purge_notifications(integer, integer) TO app_service, app_admin;
