-- app.append_edits for servers of an older version, which name no authors and know no later generations.
CREATE OR REPLACE FUNCTION app.append_rows(p_documents uuid[], p_payloads bytea[], p_checksums bigint[], p_actors uuid[],
                                p_clients text[], p_devices text[], p_wait boolean)
RETURNS TABLE (document_id uuid, head_seq bigint) LANGUAGE sql AS $$
  SELECT * FROM app.append_edits(p_documents, p_payloads, p_checksums, p_actors, p_clients, p_devices, NULL,
    array_fill(0::bigint, ARRAY[cardinality(p_documents)]), p_wait) $$;
REVOKE EXECUTE ON FUNCTION app.append_rows(uuid[], bytea[], bigint[], uuid[], text[], text[], boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.append_rows(uuid[], bytea[], bigint[], uuid[], text[], text[], boolean) TO app_service, app_admin;
