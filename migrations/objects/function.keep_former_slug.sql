CREATE OR REPLACE FUNCTION app.keep_former_slug() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
  IF OLD.slug IS NOT NULL AND (TG_OP = 'DELETE' OR NEW.slug IS DISTINCT FROM OLD.slug OR NEW.deleted_at IS NOT NULL) THEN
    INSERT INTO former_slugs VALUES (sha256(convert_to(OLD.slug, 'UTF8'))) ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.keep_former_slug() FROM PUBLIC;
