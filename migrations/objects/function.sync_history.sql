-- One history of transaction ids: this cluster, its timeline, and the very table (a restored dump makes a new one).
-- Elsewhere the ids in a cursor mean something else.
CREATE OR REPLACE FUNCTION app.sync_history() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  SELECT (SELECT system_identifier FROM pg_control_system()) || '/'
    || CASE WHEN pg_is_in_recovery() THEN '' ELSE left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) END || '/'
    || 'sync_log'::regclass::oid $$;
REVOKE EXECUTE ON FUNCTION app.sync_history() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.sync_history() TO app_service, app_admin;
