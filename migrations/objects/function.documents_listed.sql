-- "Somewhere in the title" folds both sides, too.
CREATE OR REPLACE FUNCTION app.documents_listed(p_workspace uuid, p_types text[], p_status text, p_priority text, p_tags text[],
  p_category uuid, p_author uuid, p_text text, p_favourite boolean, p_template boolean, p_trash boolean, p_sort text,
  p_ascending boolean, p_limit integer, p_last text, p_last_id uuid) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  -- What few documents have is collected first and looked up; what many have is met soon on the way through the list,
  -- if only the planner goes that way: it takes an EXISTS that it may not take apart (OFFSET 0) for a condition that
  -- half of all fulfil, and knows neither how many documents have a tag nor what stands in their titles.
  few constant integer := 1000;
  me uuid := app.user_id();
  permissions text[] := coalesce(app.workspace_permissions(p_workspace), '{}');
  key text := CASE p_sort WHEN 'updated' THEN 'd.updated_at' WHEN 'created' THEN 'd.created_at'
    WHEN 'title' THEN 'lower(d.title)' WHEN 'edited' THEN 'coalesce(d.last_edited_at, d.created_at)' END;
  conditions text := 'd.workspace_id = $1';
  pattern text := '%' || replace(replace(replace(app.fold(p_text), '\', '\\'), '%', '\%'), '_', '\_') || '%';
  tags uuid[];
  tagged uuid[];
  titled uuid[];
  found uuid[];
BEGIN
  IF NOT 'can_read' = ANY (permissions) THEN RETURN '{}'; END IF;
  IF p_trash THEN
    conditions := conditions || ' AND d.deleted_at IS NOT NULL';
    IF NOT 'can_delete_documents' = ANY (permissions) THEN
      IF NOT 'can_edit_documents' = ANY (permissions) THEN RETURN '{}'; END IF;
      conditions := conditions || ' AND d.created_by = $2';
    END IF;
  ELSE
    conditions := conditions || ' AND (d.deleted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now()))';
  END IF;
  IF cardinality(p_types) = 1 THEN
    conditions := conditions || format(' AND d.type = %L', p_types[1]);
  ELSIF cardinality(p_types) > 1 THEN
    conditions := conditions || format(' AND d.type = ANY (%L::document_type[])', p_types);
  END IF;
  IF p_status IS NOT NULL THEN conditions := conditions || ' AND d.status = $3'; END IF;
  IF p_priority IS NOT NULL THEN conditions := conditions || ' AND d.priority = $4'; END IF;
  IF p_category IS NOT NULL THEN conditions := conditions || ' AND d.category_id = $5'; END IF;
  IF p_author IS NOT NULL THEN conditions := conditions || ' AND d.created_by = $6'; END IF;
  IF p_template IS NOT NULL THEN conditions := conditions || ' AND d.is_template = $7'; END IF;
  IF p_favourite IS NOT NULL THEN
    conditions := concat(conditions, ' AND d.id ', CASE WHEN NOT p_favourite THEN 'NOT ' END,
      'IN (SELECT f.document_id FROM document_favourites f WHERE f.user_id = $2)');
  END IF;
  IF p_text <> '' THEN
    IF NOT p_trash THEN titled := app.titles_containing(p_workspace, p_text, few); END IF;
    conditions := conditions || CASE WHEN titled IS NULL THEN ' AND EXISTS (SELECT WHERE app.fold(d.title) ILIKE $8 OFFSET 0)'
      ELSE ' AND d.id = ANY ($9) AND app.fold(d.title) ILIKE $8' END;
  END IF;
  IF cardinality(p_tags) > 0 THEN
    SELECT t.tags, t.documents INTO tags, tagged FROM app.tagged_with(p_workspace, p_tags, few) t;
    IF tagged IS NULL THEN
      FOR i IN 1 .. cardinality(tags) LOOP
        conditions := conditions || format(
          ' AND EXISTS (SELECT FROM document_tags x WHERE x.document_id = d.id AND x.tag_id = %L OFFSET 0)', tags[i]);
      END LOOP;
    ELSE
      conditions := conditions || ' AND d.id = ANY ($10)';
    END IF;
  END IF;
  IF p_last_id IS NOT NULL THEN
    conditions := conditions || format(' AND %1$s %2$s= $11%4$s AND (%1$s %2$s $11%4$s OR d.id %3$s $12)', key,
      CASE WHEN p_ascending THEN '>' ELSE '<' END, CASE WHEN p_ascending THEN '<' ELSE '>' END,
      CASE WHEN p_sort <> 'title' THEN '::timestamptz' END);
  END IF;
  EXECUTE format('SELECT ARRAY(SELECT d.id FROM documents d WHERE %s ORDER BY %s %s, d.id %s LIMIT $13)', conditions, key,
      CASE WHEN p_ascending THEN 'ASC' ELSE 'DESC' END, CASE WHEN p_ascending THEN 'DESC' ELSE 'ASC' END)
    INTO found
    USING p_workspace, me, p_status, p_priority, p_category, p_author, p_template, pattern, titled, tagged, p_last,
      p_last_id, p_limit;
  RETURN found;
END $$;
REVOKE EXECUTE ON FUNCTION app.documents_listed(uuid, text[], text, text, text[], uuid, uuid, text, boolean, boolean, boolean, text, boolean, integer, text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.documents_listed(uuid, text[], text, text, text[], uuid, uuid, text, boolean, boolean, boolean, text, boolean, integer, text, uuid) TO app_readonly, app_readwrite, app_service, app_admin;
