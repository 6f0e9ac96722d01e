CREATE OR REPLACE FUNCTION app.edits_announced() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE place uuid; author uuid; device text;
BEGIN
  -- The lock is what the rows' foreign key takes as well: of a move at the same time this sees the end.
  SELECT workspace_id INTO place FROM documents WHERE id = NEW.document_id FOR KEY SHARE;
  SELECT actor_id, device_id INTO author, device FROM document_updates
    WHERE document_id = NEW.document_id AND seq = NEW.announced_seq;
  PERFORM app.record_change(place, 'document', NEW.document_id, NEW.document_id, 'update', ARRAY['content'],
                            p_actor => author, p_device => device);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.edits_announced() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.edits_announced() TO app_service, app_admin;
