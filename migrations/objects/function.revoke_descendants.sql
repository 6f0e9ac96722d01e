-- In a trigger, so that every way to revoke is covered. It sees a token that was being made when its parent was revoked:
-- its query begins after the wait for the parent's row. All descendants at once: a chain of tokens costs no recursion.
CREATE OR REPLACE FUNCTION app.revoke_descendants() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  WITH RECURSIVE descendants AS (
    SELECT id FROM access_tokens WHERE parent_token_id = NEW.id
    UNION
    SELECT t.id FROM access_tokens t JOIN descendants d ON t.parent_token_id = d.id)
  UPDATE access_tokens t SET revoked_at = NEW.revoked_at FROM descendants d
    WHERE t.id = d.id AND t.revoked_at IS NULL;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.revoke_descendants() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.revoke_descendants() TO app_service, app_admin;
