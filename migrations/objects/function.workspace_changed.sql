-- Who may read a workspace no more cannot read its entries either: those are told by entries of their own.
CREATE OR REPLACE FUNCTION app.workspace_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE o jsonb; n jsonb; fields text[];
BEGIN
  o := to_jsonb(OLD) - '{updated_at,row_version}'::text[];
  n := to_jsonb(NEW) - '{updated_at,row_version}'::text[];
  SELECT array_agg(k ORDER BY k) INTO fields FROM jsonb_object_keys(n) k WHERE n -> k IS DISTINCT FROM o -> k;
  IF fields IS NULL THEN RETURN NULL; END IF;
  IF (NEW.deleted_at IS NULL) = (OLD.deleted_at IS NULL) THEN
    PERFORM app.record_change(NEW.id, 'workspace', NEW.id, NULL, 'update', fields, NULL, NEW.row_version);
    RETURN NULL;
  END IF;
  PERFORM app.record_change(NEW.id, 'workspace', NEW.id, NULL,
    CASE WHEN NEW.deleted_at IS NULL THEN 'create' ELSE 'delete' END::change_operation, fields, NULL, NEW.row_version,
    m.user_id)
  FROM workspace_members m WHERE m.workspace_id = NEW.id AND m.is_active;
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.workspace_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.workspace_changed() TO app_service, app_admin;
