-- A category and those in it.
CREATE OR REPLACE FUNCTION app.category_tree(p_category uuid) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
  WITH RECURSIVE tree AS (
    SELECT id FROM categories WHERE id = p_category
    UNION SELECT c.id FROM categories c JOIN tree t ON c.parent_id = t.id)
  SELECT coalesce(array_agg(id), '{}') FROM tree $$;
REVOKE EXECUTE ON FUNCTION app.category_tree(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.category_tree(uuid) TO app_service, app_admin;
