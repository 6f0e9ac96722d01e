DROP POLICY IF EXISTS internal ON workspaces;
CREATE POLICY internal ON workspaces TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS ws_read ON workspaces;
CREATE POLICY ws_read ON workspaces FOR SELECT TO app_readwrite, app_readonly
  USING (id = ANY ((SELECT app.workspace_ids('can_read'))::uuid[]) OR owner_id = (SELECT app.user_id()));
-- nobody but the server opens a workspace to guests
DROP POLICY IF EXISTS ws_create ON workspaces;
CREATE POLICY ws_create ON workspaces FOR INSERT TO app_readwrite
  WITH CHECK (owner_id = (SELECT app.user_id()) AND kind <> 'playground');
DROP POLICY IF EXISTS ws_update ON workspaces;
CREATE POLICY ws_update ON workspaces FOR UPDATE TO app_readwrite
  USING (kind <> 'playground' AND (owner_id = (SELECT app.user_id())
         OR id = ANY ((SELECT app.workspace_ids('can_manage_workspace'))::uuid[])));
