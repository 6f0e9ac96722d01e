-- Nobody is connected any more to the processes whose id begins so, but for one of them.
CREATE OR REPLACE FUNCTION app.end_presence(p_prefix text, p_except text) RETURNS void LANGUAGE sql AS $$
  DELETE FROM presence WHERE starts_with(node_id, p_prefix) AND node_id <> p_except AND user_id IS NULL;
  UPDATE presence SET disconnected_at = least(now(), expires_at)
    WHERE starts_with(node_id, p_prefix) AND node_id <> p_except AND disconnected_at IS NULL $$;
REVOKE EXECUTE ON FUNCTION app.end_presence(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.end_presence(text, text) TO app_service, app_admin;
