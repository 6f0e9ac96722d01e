-- A document takes its snapshot, its stored text and its encrypted content, and its history (see app.count_history) apart
-- from these. The rows of the log count when they are folded: a commit of edits takes no lock here. octet_length reads no
-- value that is stored apart.
CREATE OR REPLACE FUNCTION app.count_storage() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE was bigint := 0; is_now bigint := 0;
BEGIN
  IF TG_OP <> 'INSERT' THEN
    was := coalesce(octet_length(OLD.yjs_state), 0)::bigint + OLD.content_bytes
      + coalesce(octet_length(OLD.content_encrypted), 0);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    is_now := coalesce(octet_length(NEW.yjs_state), 0)::bigint + NEW.content_bytes
      + coalesce(octet_length(NEW.content_encrypted), 0);
  END IF;
  IF TG_OP = 'UPDATE' AND NEW.workspace_id = OLD.workspace_id THEN
    IF is_now <> was OR NEW.history_bytes <> OLD.history_bytes THEN
      PERFORM app.add_storage(NEW.workspace_id, is_now - was, 0, NEW.history_bytes - OLD.history_bytes);
    END IF;
    RETURN NULL;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    PERFORM app.add_storage(OLD.workspace_id, -was, -1, -OLD.history_bytes);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM app.add_storage(NEW.workspace_id, is_now, 1, NEW.history_bytes);
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.count_storage() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.count_storage() TO app_service, app_admin;
