-- A row of the log accepts hunks of a suggestion, in the transaction of its own: neither is there without the other.
CREATE OR REPLACE FUNCTION app.suggestion_accepted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  UPDATE suggestions SET accepted = accepted || pending, pending = NULL, seq = NEW.seq,
      decided_by = (SELECT id FROM users WHERE id = NEW.actor_id)
    WHERE id = (NEW.author::jsonb ->> 'accepts')::uuid AND document_id = NEW.document_id AND pending IS NOT NULL;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.suggestion_accepted() FROM PUBLIC;
