-- The parts of an upload that is complete or gone may go.
CREATE OR REPLACE FUNCTION app.upload_gone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO object_deletions (s3_bucket, s3_key) SELECT OLD.s3_bucket, part FROM unnest(OLD.parts) part;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.upload_gone() FROM PUBLIC;
