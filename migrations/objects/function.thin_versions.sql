-- Deletes versions that are too close together; -> how many. Of versions without a label that are not pinned, the last one
-- of each hour stays for a day, the last one of each day for 30 days, and the last one of each week for ever (UTC). The last
-- ten automatic ones stay, and all others that are not automatic for 30 days.
CREATE OR REPLACE FUNCTION app.thin_versions(p_now timestamptz DEFAULT now(), p_limit integer DEFAULT 1000) RETURNS integer
LANGUAGE sql AS $$
  WITH old AS (
      SELECT id, document_id, version_number, created_at, kind,
        row_number() OVER (PARTITION BY document_id, kind ORDER BY created_at DESC, version_number DESC) AS place,
        CASE WHEN created_at > p_now - interval '1 day' THEN 'hour'
             WHEN created_at > p_now - interval '30 days' THEN 'day' ELSE 'week' END AS span
      FROM document_versions WHERE label IS NULL AND NOT pinned),
    placed AS (
      SELECT id, kind, place, span,
        row_number() OVER (PARTITION BY document_id, span, date_trunc(span, created_at, 'UTC')
                           ORDER BY created_at DESC, version_number DESC) AS place_in_span
      FROM old WHERE kind = 'auto' OR span = 'week'),
    gone AS (
      DELETE FROM document_versions WHERE id IN (
        SELECT id FROM placed WHERE place_in_span > 1 AND (kind <> 'auto' OR place > 10) LIMIT p_limit)
        AND label IS NULL AND NOT pinned
      RETURNING 1)
  SELECT count(*)::integer FROM gone $$;
REVOKE EXECUTE ON FUNCTION app.thin_versions(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.thin_versions(timestamptz, integer) TO app_service, app_admin;
