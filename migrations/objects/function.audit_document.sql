-- Apart from the rest, as a document's whole row is content and state.
CREATE OR REPLACE FUNCTION app.audit_document() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  o jsonb := CASE WHEN TG_OP <> 'INSERT' THEN jsonb_build_object('title', OLD.title, 'name', OLD.name, 'type', OLD.type,
    'description', OLD.description, 'status', OLD.status, 'priority', OLD.priority, 'language', OLD.language,
    'metadata', OLD.metadata, 'settings', OLD.settings, 'category_id', OLD.category_id, 'workspace_id', OLD.workspace_id,
    'is_public', OLD.is_public, 'is_template', OLD.is_template, 'published_at', OLD.published_at,
    'expires_at', OLD.expires_at, 'deleted_at', OLD.deleted_at) END;
  n jsonb := CASE WHEN TG_OP <> 'DELETE' THEN jsonb_build_object('title', NEW.title, 'name', NEW.name, 'type', NEW.type,
    'description', NEW.description, 'status', NEW.status, 'priority', NEW.priority, 'language', NEW.language,
    'metadata', NEW.metadata, 'settings', NEW.settings, 'category_id', NEW.category_id, 'workspace_id', NEW.workspace_id,
    'is_public', NEW.is_public, 'is_template', NEW.is_template, 'published_at', NEW.published_at,
    'expires_at', NEW.expires_at, 'deleted_at', NEW.deleted_at) END;
  shown text[] := ARRAY['title', 'name', 'type', 'status', 'is_public', 'is_template'];
BEGIN
  IF TG_OP = 'UPDATE' AND NOT OLD.title_is_set AND NOT NEW.title_is_set THEN
    o := o || jsonb_build_object('title', NEW.title);
  END IF;
  IF TG_OP = 'DELETE' THEN
    IF EXISTS (SELECT FROM workspaces WHERE id = OLD.workspace_id) THEN
      PERFORM app.log_change('document', OLD.id::text, OLD.workspace_id, o, NULL, shown);
    END IF;
  ELSIF TG_OP = 'UPDATE' AND NEW.workspace_id <> OLD.workspace_id THEN
    -- Each workspace hears of its own end of a move only.
    PERFORM app.log_activity('move_out', 'document', OLD.id::text, OLD.workspace_id, NULL,
      jsonb_build_object('old', jsonb_build_object('title', OLD.title)));
    PERFORM app.log_activity('move_in', 'document', NEW.id::text, NEW.workspace_id, NULL,
      jsonb_build_object('new', jsonb_build_object('title', NEW.title)));
  ELSE
    PERFORM app.log_change('document', NEW.id::text, NEW.workspace_id, o, n, shown);
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.audit_document() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.audit_document() TO app_service, app_admin;
