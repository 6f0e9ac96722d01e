-- `kind id` on the channel collab_access: whose access, or access to what, may be another now. A notice says that
-- something changed, not what: the servers look. It leaves with the commit, and equal ones leave once. Nothing that
-- people do all day sends one (edits, folds, renaming): commits that notify wait for each other.
CREATE OR REPLACE FUNCTION app.access_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE subject uuid;
BEGIN
  EXECUTE format('SELECT ($1).%I', TG_ARGV[1]) INTO subject USING coalesce(NEW, OLD);
  PERFORM pg_notify('collab_access', TG_ARGV[0] || ' ' || subject);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.access_changed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.access_changed() TO app_service, app_admin;
