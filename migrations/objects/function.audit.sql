-- Arguments: the entity's type, the column of its id, the columns whose values are told.
CREATE OR REPLACE FUNCTION app.audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  quiet text[] := ARRAY['updated_at', 'row_version', 'token_hash', 'last_used_at', 'last_accessed_at', 'last_login_at'];
  o jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - quiet END;
  n jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - quiet END;
  place uuid := coalesce(n, o) ->> CASE TG_TABLE_NAME WHEN 'workspaces' THEN 'id' ELSE 'workspace_id' END;
BEGIN
  -- What goes with a purged workspace is not told one by one.
  IF TG_OP = 'DELETE' AND TG_TABLE_NAME <> 'workspaces' AND place IS NOT NULL
     AND NOT EXISTS (SELECT FROM workspaces WHERE id = place) THEN RETURN NULL; END IF;
  PERFORM app.log_change(TG_ARGV[0], coalesce(n, o) ->> TG_ARGV[1], place, o, n, TG_ARGV[2:TG_NARGS - 1]);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.audit() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.audit() TO app_service, app_admin;
