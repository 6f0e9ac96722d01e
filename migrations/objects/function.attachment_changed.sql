-- Feed and audit entries of attachments. A moved document takes its attachments along: its own entry says so.
CREATE OR REPLACE FUNCTION app.attachment_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE a attachments := coalesce(NEW, OLD); fields text[]; operation change_operation; action text;
BEGIN
  IF NOT EXISTS (SELECT FROM documents WHERE id = a.document_id AND deleted_at IS NULL) THEN RETURN NULL; END IF;
  IF TG_OP = 'UPDATE' THEN
    IF NEW.row_version = OLD.row_version OR NEW.workspace_id <> OLD.workspace_id THEN RETURN NULL; END IF;
    fields := array_remove(ARRAY[
      CASE WHEN NEW.file_name <> OLD.file_name THEN 'file_name' END,
      CASE WHEN NEW.processing_status <> OLD.processing_status THEN 'processing_status' END], NULL);
    operation := CASE WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL THEN 'delete'
      WHEN NEW.deleted_at IS NULL AND OLD.deleted_at IS NOT NULL THEN 'create' ELSE 'update' END;
    action := CASE operation WHEN 'create' THEN 'restore' WHEN 'delete' THEN 'delete'
      ELSE CASE WHEN NEW.file_name <> OLD.file_name THEN 'update' END END;
  ELSIF TG_OP = 'DELETE' AND OLD.deleted_at IS NOT NULL THEN
    action := 'purge';
  ELSE
    operation := CASE TG_OP WHEN 'INSERT' THEN 'create' ELSE 'delete' END;
    action := operation::text;
  END IF;
  IF operation IS NOT NULL THEN
    PERFORM app.record_change(a.workspace_id, 'attachment', a.id, a.document_id, operation, fields, NULL, a.row_version);
  END IF;
  IF action IS NOT NULL THEN
    PERFORM app.log_activity(action, 'attachment', a.id::text, a.workspace_id, NULL,
                             jsonb_build_object('document_id', a.document_id));
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.attachment_changed() FROM PUBLIC;
