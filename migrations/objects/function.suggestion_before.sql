-- The status follows from the numbers of the accepted, rejected and stale hunks.
CREATE OR REPLACE FUNCTION app.suggestion_before() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE decided integer[] := NEW.accepted || NEW.rejected;
BEGIN
  NEW.stale := ARRAY(SELECT n FROM unnest(NEW.stale) n WHERE n <> ALL (decided) ORDER BY n);
  NEW.status := CASE
    WHEN cardinality(decided) < jsonb_array_length(NEW.hunks) THEN CASE WHEN NEW.stale = '{}' THEN 'open' ELSE 'stale' END
    WHEN NEW.accepted = '{}' THEN 'rejected' ELSE 'accepted' END;
  IF (NEW.accepted, NEW.rejected) IS DISTINCT FROM (OLD.accepted, OLD.rejected) THEN NEW.decided_at := now(); END IF;
  -- Other ids of the same characters, in another generation, are not a change of the suggestion.
  IF (NEW.message, NEW.accepted, NEW.rejected, NEW.stale) IS DISTINCT FROM (OLD.message, OLD.accepted, OLD.rejected, OLD.stale)
     OR (NEW.hunks <> OLD.hunks AND NEW.generation = OLD.generation) THEN
    NEW.row_version := OLD.row_version + 1;
    NEW.updated_at := now();
  END IF;
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION app.suggestion_before() FROM PUBLIC;
