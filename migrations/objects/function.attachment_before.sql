-- A download, or a step of the worker for thumbnails, is not a change of the attachment.
CREATE OR REPLACE FUNCTION app.attachment_before() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF (NEW.file_name, NEW.deleted_at, NEW.workspace_id) IS DISTINCT FROM (OLD.file_name, OLD.deleted_at, OLD.workspace_id)
     OR (NEW.processing_status <> OLD.processing_status AND NEW.processing_status IN ('complete', 'failed')) THEN
    NEW.row_version := OLD.row_version + 1;
    NEW.updated_at := now();
  END IF;
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION app.attachment_before() FROM PUBLIC;
