-- Into the trash, in the name of whoever set the expiry; -> how many. Expiries set before this revision have no name.
CREATE OR REPLACE FUNCTION app.expire_documents(p_limit integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE due record; expired integer := 0;
BEGIN
  FOR due IN
    SELECT d.id, (SELECT u.id FROM users u WHERE u.id = d.expires_set_by) AS person FROM documents d
    WHERE d.expires_at < now() AND d.deleted_at IS NULL ORDER BY d.id LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    -- The triggers that write the activity and the feed read it.
    PERFORM set_config('app.current_user_id', coalesce(due.person::text, ''), true);
    UPDATE documents SET deleted_at = now(), deleted_by = due.person WHERE id = due.id;
    expired := expired + 1;
  END LOOP;
  PERFORM set_config('app.current_user_id', '', true);
  RETURN expired;
END $$;
REVOKE EXECUTE ON FUNCTION app.expire_documents(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.expire_documents(integer) TO app_service, app_admin;
