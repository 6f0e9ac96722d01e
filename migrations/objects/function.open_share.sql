-- Counts a use of a link by a client; -> the opening, or NULL where the link has ended or is used up. p_socket: the opening
-- lasts until it is ended; a client that comes back within a minute goes on with its opening. p_same_device: p_client names
-- one device, whose earlier opening may not have ended yet.
CREATE OR REPLACE FUNCTION app.open_share(p_share uuid, p_client bytea, p_same_device boolean) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE link record; opening uuid;
BEGIN
  SELECT id, max_uses, access_count INTO link FROM shares
    WHERE id = p_share AND token_hash IS NOT NULL AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
    FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  UPDATE share_openings SET ended_at = NULL WHERE id = (
    SELECT id FROM share_openings
    WHERE share_id = p_share AND client = p_client
      AND (ended_at > now() - interval '1 minute' OR (p_same_device AND ended_at IS NULL))
    ORDER BY ended_at DESC LIMIT 1)
  RETURNING id INTO opening;
  IF FOUND THEN RETURN opening; END IF;
  IF link.access_count >= link.max_uses THEN RETURN NULL; END IF;
  UPDATE shares SET access_count = access_count + 1, last_accessed_at = now() WHERE id = p_share;
  DELETE FROM share_openings WHERE share_id = p_share
    AND (ended_at < now() - interval '1 hour' OR opened_at < now() - interval '30 days');
  INSERT INTO share_openings (share_id, client) VALUES (p_share, p_client) RETURNING id INTO opening;
  RETURN opening;
END $$;
REVOKE EXECUTE ON FUNCTION app.open_share(uuid, bytea, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.open_share(uuid, bytea, boolean) TO app_service, app_admin;
