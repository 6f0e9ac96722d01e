-- Hash, size and the flag of carriage returns follow the text; row_version and updated_at move for a real change only.
CREATE OR REPLACE FUNCTION app.documents_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' OR NEW.content IS DISTINCT FROM OLD.content THEN
    NEW.content_hash := encode(sha256(convert_to(NEW.content, 'UTF8')), 'hex');  -- content::bytea fails on backslashes
    NEW.content_bytes := octet_length(NEW.content);
    NEW.content_has_returns := strpos(NEW.content, chr(13)) > 0;
    IF TG_OP = 'UPDATE' THEN NEW.last_edited_at := now(); END IF;
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.expires_at IS NOT NULL THEN
      IF current_user = 'app_readwrite' AND (NEW.created_by = app.user_id()) IS NOT TRUE
         AND NOT NEW.workspace_id = ANY (app.workspace_ids('can_delete_documents')) THEN
        RAISE EXCEPTION 'an expiry needs can_delete_documents or authorship' USING ERRCODE = 'insufficient_privilege';
      END IF;
      NEW.expires_set_by := app.user_id();
    END IF;
    RETURN NEW;
  END IF;
  IF current_user = 'app_readwrite'
     AND (NEW.deleted_at, NEW.is_public, NEW.expires_at)
       IS DISTINCT FROM (OLD.deleted_at, OLD.is_public, OLD.expires_at)
     AND (OLD.created_by = app.user_id()) IS NOT TRUE
     AND NOT OLD.workspace_id = ANY (app.workspace_ids('can_delete_documents'))
     AND NOT OLD.id = ANY (app.shared_documents('admin')) THEN
    RAISE EXCEPTION 'deleting, publishing or an expiry needs can_delete_documents or authorship'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  -- Names, categories and templates are the workspace's.
  IF current_user = 'app_readwrite'
     AND (NEW.name, NEW.category_id, NEW.is_template) IS DISTINCT FROM (OLD.name, OLD.category_id, OLD.is_template)
     AND NOT ARRAY['can_edit_documents', 'can_delete_documents'] && app.workspace_permissions(OLD.workspace_id) THEN
    RAISE EXCEPTION 'the name, the category and templates are for members of the workspace'
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  -- A restored document does not go back into the trash by itself.
  IF OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS NULL AND NEW.expires_at <= now() THEN
    NEW.expires_at := NULL;
  END IF;
  IF NEW.expires_at IS DISTINCT FROM OLD.expires_at THEN
    NEW.expires_set_by := CASE WHEN NEW.expires_at IS NOT NULL THEN app.user_id() END;
  END IF;
  IF (NEW.content_hash, NEW.name, NEW.title, NEW.description, NEW.type, NEW.status, NEW.priority, NEW.language,
      NEW.generation, NEW.metadata, NEW.settings, NEW.category_id, NEW.workspace_id, NEW.is_public, NEW.is_template,
      NEW.content_encrypted, NEW.published_at, NEW.expires_at, NEW.deleted_at)
     IS DISTINCT FROM
     (OLD.content_hash, OLD.name, OLD.title, OLD.description, OLD.type, OLD.status, OLD.priority, OLD.language,
      OLD.generation, OLD.metadata, OLD.settings, OLD.category_id, OLD.workspace_id, OLD.is_public, OLD.is_template,
      OLD.content_encrypted, OLD.published_at, OLD.expires_at, OLD.deleted_at) THEN
    NEW.updated_at := now();
    NEW.row_version := OLD.row_version + 1;
    NEW.updated_by := coalesce(app.user_id(), NEW.updated_by);
  END IF;
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION app.documents_before() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.documents_before() TO app_service, app_admin;
