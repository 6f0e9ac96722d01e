-- Comments that are made, resolved, reopened or deleted. Never what they say.
CREATE OR REPLACE FUNCTION app.audit_comment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM app.log_change('comment', NEW.id::text, NEW.workspace_id,
    CASE WHEN TG_OP = 'UPDATE' THEN jsonb_build_object('resolved', OLD.resolved, 'deleted_at', OLD.deleted_at) END,
    CASE WHEN TG_OP = 'UPDATE' THEN jsonb_build_object('resolved', NEW.resolved, 'deleted_at', NEW.deleted_at)
      ELSE jsonb_build_object('document_id', NEW.document_id, 'thread_id', NEW.thread_id) END,
    '{document_id,thread_id,resolved}');
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.audit_comment() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.audit_comment() TO app_service, app_admin;
