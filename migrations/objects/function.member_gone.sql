-- Who is removed or suspended cannot come back by an invitation from before, of theirs or to them.
CREATE OR REPLACE FUNCTION app.member_gone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE invitations SET status = 'revoked', responded_at = now()
  WHERE workspace_id = OLD.workspace_id AND status = 'pending'
    AND (invited_by = OLD.user_id OR lower(email) = (SELECT lower(email) FROM users WHERE id = OLD.user_id));
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.member_gone() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.member_gone() TO app_service, app_admin;
