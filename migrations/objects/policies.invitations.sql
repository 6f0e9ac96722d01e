DROP POLICY IF EXISTS internal ON invitations;
CREATE POLICY internal ON invitations TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS invitation_read ON invitations;
CREATE POLICY invitation_read ON invitations FOR SELECT TO app_readwrite, app_readonly
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_invite_members'))::uuid[])
         OR lower(email) = (SELECT app.verified_email()) AND status = 'pending' AND expires_at > now());
DROP POLICY IF EXISTS invitation_make ON invitations;
CREATE POLICY invitation_make ON invitations FOR INSERT TO app_readwrite
  WITH CHECK (workspace_id = ANY ((SELECT app.workspace_ids('can_invite_members'))::uuid[])
              AND invited_by = (SELECT app.user_id()));
DROP POLICY IF EXISTS invitation_change ON invitations;
CREATE POLICY invitation_change ON invitations FOR UPDATE TO app_readwrite
  USING (workspace_id = ANY ((SELECT app.workspace_ids('can_invite_members'))::uuid[]) AND status = 'pending')
  WITH CHECK (workspace_id = ANY ((SELECT app.workspace_ids('can_invite_members'))::uuid[]));
