CREATE OR REPLACE FUNCTION app.decline_invitation(p_id uuid, p_token_hash bytea) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH declined AS (UPDATE invitations SET status = 'declined', responded_at = now(), user_id = app.user_id()
    WHERE status = 'pending' AND expires_at > now()
      AND CASE WHEN p_token_hash IS NOT NULL THEN token_hash = p_token_hash
               ELSE id = p_id AND lower(email) = app.verified_email() END RETURNING 1)
  SELECT EXISTS (SELECT FROM declined) $$;
REVOKE EXECUTE ON FUNCTION app.decline_invitation(uuid, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.decline_invitation(uuid, bytea) TO app_readwrite, app_service, app_admin;
