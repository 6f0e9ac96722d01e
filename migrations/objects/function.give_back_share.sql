-- Ends a share with the caller; -> whether it was there. Policies let people change only shares of what they share themselves.
CREATE OR REPLACE FUNCTION app.give_back_share(p_share uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE shares SET revoked_at = now() WHERE id = p_share AND grantee_id = app.user_id() AND revoked_at IS NULL;
  RETURN FOUND;
END $$;
REVOKE EXECUTE ON FUNCTION app.give_back_share(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.give_back_share(uuid) TO app_readwrite, app_service, app_admin;
