-- Feed entries of versions. The end of a document or its move to the trash is an entry of its own.
CREATE OR REPLACE FUNCTION app.version_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v document_versions := coalesce(NEW, OLD); workspace uuid;
BEGIN
  SELECT workspace_id INTO workspace FROM documents WHERE id = v.document_id AND deleted_at IS NULL;
  IF FOUND THEN
    PERFORM app.record_change(workspace, 'version', v.id, v.document_id,
      CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'DELETE' THEN 'delete' ELSE 'update' END::change_operation,
      NULL, v.content_hash, v.version_number, NULL, CASE WHEN TG_OP = 'INSERT' THEN v.created_by END);
  END IF;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.version_changed() FROM PUBLIC;
