-- Feed and audit entries of suggestions. A moved document takes its suggestions along: its own entry says so.
CREATE OR REPLACE FUNCTION app.suggestion_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE s suggestions := coalesce(NEW, OLD); fields text[]; operation change_operation; action text; actor uuid;
BEGIN
  IF NOT EXISTS (SELECT FROM documents WHERE id = s.document_id AND deleted_at IS NULL) THEN RETURN NULL; END IF;
  IF TG_OP = 'UPDATE' THEN
    IF NEW.row_version = OLD.row_version THEN RETURN NULL; END IF;
    fields := array_remove(ARRAY[
      CASE WHEN NEW.hunks <> OLD.hunks OR NEW.stale <> OLD.stale THEN 'hunks' END,
      CASE WHEN NEW.message IS DISTINCT FROM OLD.message THEN 'message' END,
      CASE WHEN (NEW.accepted, NEW.rejected, NEW.status) <> (OLD.accepted, OLD.rejected, OLD.status) THEN 'status' END], NULL);
    operation := 'update';
    action := CASE WHEN NEW.accepted <> OLD.accepted THEN 'accept' WHEN NEW.rejected <> OLD.rejected THEN 'reject'
      WHEN NEW.stale = OLD.stale THEN 'update' END;
    IF action IN ('accept', 'reject') THEN actor := NEW.decided_by; END IF;
  ELSE
    operation := CASE TG_OP WHEN 'INSERT' THEN 'create' ELSE 'delete' END;
    action := operation::text;
  END IF;
  PERFORM app.record_change(s.workspace_id, 'suggestion', s.id, s.document_id, operation, fields, NULL, s.row_version, NULL, actor);
  IF action IS NOT NULL THEN
    PERFORM app.log_activity(action, 'suggestion', s.id::text, s.workspace_id, NULL,
                             jsonb_build_object('document_id', s.document_id), actor);
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.suggestion_changed() FROM PUBLIC;
