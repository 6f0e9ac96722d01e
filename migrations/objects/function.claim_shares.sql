-- What was shared with an address is its owner's as soon as the owner has proved it.
CREATE OR REPLACE FUNCTION app.claim_shares() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE shares s SET grantee_id = NEW.id
  WHERE lower(s.email) = lower(NEW.email) AND s.grantee_id IS NULL AND s.revoked_at IS NULL
    AND NOT EXISTS (SELECT FROM shares o WHERE o.document_id = s.document_id AND o.grantee_id = NEW.id AND o.revoked_at IS NULL);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.claim_shares() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.claim_shares() TO app_service, app_admin;
