-- The server composes before it asks; this is for every other writer, such as a server of the version before.
CREATE OR REPLACE FUNCTION app.documents_composed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- A few letters become longer; what does not fit stays.
  IF NEW.name IS NOT NFC NORMALIZED AND length(normalize(NEW.name, NFC)) <= 500 THEN
    NEW.name := normalize(NEW.name, NFC);
  END IF;
  IF NEW.title IS NOT NFC NORMALIZED AND length(normalize(NEW.title, NFC)) <= 500 THEN
    NEW.title := normalize(NEW.title, NFC);
  END IF;
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION app.documents_composed() FROM PUBLIC;
