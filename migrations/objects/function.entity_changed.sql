-- Small rows with an id and a workspace_id. Argument: the entity's type.
CREATE OR REPLACE FUNCTION app.entity_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE o jsonb; n jsonb; fields text[]; workspace uuid := coalesce(NEW.workspace_id, OLD.workspace_id);
BEGIN
  IF TG_OP = 'UPDATE' THEN
    o := to_jsonb(OLD) - 'updated_at';
    n := to_jsonb(NEW) - 'updated_at';
    SELECT array_agg(k ORDER BY k) INTO fields FROM jsonb_object_keys(n) k WHERE n -> k IS DISTINCT FROM o -> k;
    IF fields IS NULL THEN RETURN NULL; END IF;
  ELSIF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM workspaces WHERE id = workspace) THEN
    RETURN NULL;
  END IF;
  PERFORM app.record_change(workspace, TG_ARGV[0], coalesce(NEW.id, OLD.id), NULL,
    CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'UPDATE' THEN 'update' ELSE 'delete' END::change_operation, fields);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.entity_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.entity_changed() TO app_service, app_admin;
