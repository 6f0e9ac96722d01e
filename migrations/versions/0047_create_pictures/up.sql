-- Pictures of users and icons of workspaces: squares in WebP, so small that they are kept here.
-- objects: 9247809ce0f0c5a2
CREATE TABLE pictures (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid REFERENCES users ON DELETE CASCADE, workspace_id uuid REFERENCES workspaces ON DELETE CASCADE,
  checksum bytea NOT NULL CHECK (octet_length(checksum) = 32),
  small bytea NOT NULL, medium bytea NOT NULL, large bytea NOT NULL CHECK (octet_length(large) <= 2000000),
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (num_nonnulls(user_id, workspace_id) = 1));
CREATE INDEX pictures_user ON pictures (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX pictures_workspace ON pictures (workspace_id) WHERE workspace_id IS NOT NULL;
ALTER TABLE pictures ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON pictures TO app_service, app_admin;
