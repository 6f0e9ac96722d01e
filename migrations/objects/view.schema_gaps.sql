-- What a later migration may forget. The tests demand that it is empty.
CREATE OR REPLACE VIEW app.schema_gaps AS
SELECT c.relname::text AS object, 'table without row-level security' AS gap FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND NOT c.relrowsecurity AND c.relname <> 'alembic_version'
UNION ALL
SELECT p.proname, 'SECURITY DEFINER without search_path' FROM pg_proc p
WHERE p.pronamespace = 'app'::regnamespace AND p.prosecdef AND NOT coalesce(p.proconfig::text, '') LIKE '%search_path%'
UNION ALL
SELECT p.proname, 'function that everybody may execute' FROM pg_proc p
WHERE p.pronamespace = 'app'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')
UNION ALL
SELECT k.conrelid::regclass || '.' || a.attname, 'foreign key without index'
FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND k.conparentid = 0
  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indkey[0] = ANY (k.conkey)
    AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = '(' || a.attname || ' IS NOT NULL)'));
GRANT SELECT ON app.schema_gaps TO app_service, app_admin;
