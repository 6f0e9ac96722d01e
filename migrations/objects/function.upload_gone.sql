-- The objects of an upload that is complete or gone may go. What a client puts into the bucket goes again when the signed
-- address for it has expired: until then the client can put it once more.
CREATE OR REPLACE FUNCTION app.upload_gone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO object_deletions (s3_bucket, s3_key) SELECT OLD.s3_bucket, part FROM unnest(OLD.parts) part;
  IF OLD.direct_key IS NOT NULL THEN
    INSERT INTO object_deletions (s3_bucket, s3_key, due_at)
    SELECT OLD.s3_bucket, OLD.direct_key, due FROM (VALUES (now()), (OLD.created_at + interval '70 minutes')) v (due)
    WHERE due >= now();
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.upload_gone() FROM PUBLIC;
