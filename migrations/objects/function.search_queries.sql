-- What is asked for, in every language that documents have which the caller may see: each is matched as it was indexed.
CREATE OR REPLACE FUNCTION app.search_queries(p_query text, p_last text) RETURNS TABLE (language text, query tsquery)
LANGUAGE plpgsql STABLE SET client_min_messages = warning AS $$
DECLARE
  most constant integer := 40;
  here uuid[] := app.workspace_ids('can_read') || app.sharing_workspaces();
BEGIN
  FOR language IN
    WITH RECURSIVE known AS (
      (SELECT s.language AS name, 1 AS number FROM document_search s ORDER BY 1 LIMIT 1)
      UNION ALL
      SELECT (SELECT s.language FROM document_search s WHERE s.language > known.name ORDER BY 1 LIMIT 1), number + 1
      FROM known WHERE known.name IS NOT NULL AND number < 4 * most)
    SELECT name FROM known
    WHERE name IS NOT NULL
      AND EXISTS (SELECT FROM document_search s WHERE s.language = known.name AND s.workspace_id = ANY (here))
    LIMIT most
  LOOP
    query := app.search_query(app.fts_config(language), p_query, p_last);
    IF querytree(query) NOT IN ('', 'T') THEN RETURN NEXT; END IF;
  END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION app.search_queries(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_queries(text, text) TO app_service, app_admin;
