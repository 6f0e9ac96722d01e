DROP TRIGGER audit ON documents;
DROP TRIGGER audit ON users;
DROP TRIGGER audit ON access_tokens;
DROP TRIGGER audit ON workspace_members;
DROP TRIGGER audit ON workspaces;
DO $$ BEGIN
  IF to_regclass('public.sessions') IS NOT NULL THEN DROP TRIGGER IF EXISTS audit ON sessions; END IF;
END $$;
DROP TRIGGER audit ON invitations;
DROP TABLE activity_log;
DROP FUNCTION app.erase_activity(uuid), app.purge_activity(integer, integer), app.audit_session(), app.audit_document(),
  app.audit(), app.log_change(text, text, uuid, jsonb, jsonb, text[]),
  app.log_activity(text, text, text, uuid, text[], jsonb, uuid, text, text);
