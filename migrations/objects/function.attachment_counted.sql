-- Living attachments count in the storage of their workspace. A row that goes leaves its object to be deleted.
CREATE OR REPLACE FUNCTION app.attachment_counted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE change record;
BEGIN
  -- In the order of the workspaces: two moves in opposite directions must not wait for each other.
  FOR change IN
    SELECT place, sum(bytes)::bigint AS bytes FROM (
      SELECT OLD.workspace_id AS place, -OLD.size_bytes AS bytes WHERE TG_OP <> 'INSERT' AND OLD.deleted_at IS NULL
      UNION ALL SELECT NEW.workspace_id, NEW.size_bytes WHERE TG_OP <> 'DELETE' AND NEW.deleted_at IS NULL) c
    GROUP BY place HAVING sum(bytes) <> 0 ORDER BY place
  LOOP
    PERFORM app.count_attachment_bytes(change.place, change.bytes);
  END LOOP;
  IF TG_OP = 'DELETE' THEN
    INSERT INTO object_deletions (s3_bucket, s3_key) VALUES (OLD.s3_bucket, OLD.s3_key);
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.attachment_counted() FROM PUBLIC;
