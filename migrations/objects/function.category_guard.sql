-- The lock is the workspace's: of two moves at once, each sound by itself, the second must see the first.
CREATE OR REPLACE FUNCTION app.category_guard() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE above integer; below integer; ring boolean;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('categories ' || NEW.workspace_id, 0));
  WITH RECURSIVE up AS (
    SELECT id, parent_id, 1 AS depth FROM categories WHERE id = NEW.parent_id
    UNION ALL SELECT c.id, c.parent_id, depth + 1 FROM categories c JOIN up ON c.id = up.parent_id WHERE depth < 50)
  SELECT coalesce(max(depth), 0), coalesce(bool_or(id = NEW.id), false) INTO above, ring FROM up;
  IF ring THEN
    RAISE EXCEPTION 'a category cannot be within itself'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'category_cycle';
  END IF;
  WITH RECURSIVE down AS (
    SELECT NEW.id AS id, 1 AS depth
    UNION ALL SELECT c.id, depth + 1 FROM categories c JOIN down ON c.parent_id = down.id WHERE depth < 50)
  SELECT max(depth) INTO below FROM down;
  IF above + below > 20 THEN
    RAISE EXCEPTION 'categories may be nested 20 deep' USING ERRCODE = 'check_violation', CONSTRAINT = 'category_depth';
  END IF;
  RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION app.category_guard() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.category_guard() TO app_service, app_admin;
