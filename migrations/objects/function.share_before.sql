-- Finds the account of an address, keeps rights within those of whoever shares, and counts passwords.
CREATE OR REPLACE FUNCTION app.share_before() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NEW.permission = 'admin' AND app.user_id() IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.permission <> OLD.permission)
     AND app.document_permission(NEW.document_id) IS DISTINCT FROM 'admin' THEN
    RAISE EXCEPTION 'only administrators of a document make others administrators' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF (NEW.tag_id IS NOT NULL AND NOT EXISTS (
          SELECT FROM tags WHERE id = NEW.tag_id AND workspace_id = NEW.workspace_id))
       OR (NEW.category_id IS NOT NULL AND NOT EXISTS (
          SELECT FROM categories WHERE id = NEW.category_id AND workspace_id = NEW.workspace_id)) THEN
      RAISE EXCEPTION 'there is no such tag or category in this workspace' USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF NEW.grantee_id IS NULL AND NEW.email IS NOT NULL THEN
      SELECT id INTO NEW.grantee_id FROM users
        WHERE lower(email) = lower(NEW.email) AND email_verified AND is_active AND deleted_at IS NULL;
    END IF;
    RETURN NEW;
  END IF;
  IF NEW.password_hash IS DISTINCT FROM OLD.password_hash AND NEW.password_hash IS NOT NULL THEN
    NEW.opening_id := gen_random_uuid();
  END IF;
  IF NEW.expires_at IS DISTINCT FROM OLD.expires_at AND (NEW.expires_at IS NULL OR NEW.expires_at > now()) THEN
    NEW.expired := false;
  END IF;
  IF (NEW.grantee_id, NEW.name, NEW.password_hash, NEW.permission, NEW.expires_at, NEW.max_uses, NEW.revoked_at, NEW.expired)
     IS DISTINCT FROM
     (OLD.grantee_id, OLD.name, OLD.password_hash, OLD.permission, OLD.expires_at, OLD.max_uses, OLD.revoked_at, OLD.expired) THEN
    NEW.updated_at := now();
  END IF;
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION app.share_before() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.share_before() TO app_service, app_admin;
