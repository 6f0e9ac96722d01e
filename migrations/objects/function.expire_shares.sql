-- Marks shares whose time is over, so that triggers announce it; -> how many.
CREATE OR REPLACE FUNCTION app.expire_shares(p_limit integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE ended integer;
BEGIN
  UPDATE shares SET expired = true WHERE id IN (
    SELECT id FROM shares WHERE expires_at <= now() AND NOT expired AND revoked_at IS NULL
    ORDER BY id LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED);
  GET DIAGNOSTICS ended = ROW_COUNT;
  RETURN ended;
END $$;
REVOKE EXECUTE ON FUNCTION app.expire_shares(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.expire_shares(integer) TO app_service, app_admin;
