-- What people are told of, what they follow, and the mails about it.
-- objects: 77babc46a7367731
CREATE TABLE mail_outbox (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  -- due_at: of the next attempt. An attempt that has begun moves it, so that no other process repeats it meanwhile.
  due_at timestamptz NOT NULL, attempts integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz,
  outcome text CHECK (outcome IN ('sent', 'empty', 'given_up')),
  CHECK ((finished_at IS NULL) = (outcome IS NULL)));
CREATE UNIQUE INDEX mail_outbox_open ON mail_outbox (user_id) WHERE finished_at IS NULL;
CREATE INDEX mail_outbox_user ON mail_outbox (user_id);
CREATE INDEX mail_outbox_due ON mail_outbox (due_at) WHERE finished_at IS NULL;

-- No titles, names or texts: they are read with the rights that the person has when the entry is shown.
CREATE TABLE notifications (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('mention', 'reply', 'comment', 'reaction', 'resolved', 'membership', 'invitation',
                                     'role', 'document_changed')),
  workspace_id uuid NOT NULL REFERENCES workspaces ON DELETE CASCADE,
  document_id uuid, comment_id uuid REFERENCES comments ON DELETE CASCADE,
  invitation_id uuid REFERENCES invitations ON DELETE CASCADE,
  -- actor_ids: the latest first, at most ten. count: events.
  actor_ids uuid[] NOT NULL DEFAULT '{}', count integer NOT NULL DEFAULT 1 CHECK (count > 0),
  data jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(data) = 'object'),
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  read_at timestamptz, archived_at timestamptz,
  mail_id uuid REFERENCES mail_outbox ON DELETE SET NULL,
  FOREIGN KEY (document_id, workspace_id) REFERENCES documents (id, workspace_id) ON UPDATE CASCADE ON DELETE CASCADE);
CREATE INDEX notifications_user ON notifications (user_id, updated_at, id);
CREATE INDEX notifications_unread ON notifications (user_id, kind) WHERE read_at IS NULL AND archived_at IS NULL;
CREATE INDEX notifications_workspace ON notifications (workspace_id);
CREATE INDEX notifications_document ON notifications (document_id) WHERE document_id IS NOT NULL;
CREATE INDEX notifications_comment ON notifications (comment_id) WHERE comment_id IS NOT NULL;
CREATE INDEX notifications_invitation ON notifications (invitation_id) WHERE invitation_id IS NOT NULL;
CREATE INDEX notifications_mail ON notifications (mail_id) WHERE mail_id IS NOT NULL;
CREATE INDEX notifications_unmailed ON notifications (created_at)
  WHERE mail_id IS NULL AND read_at IS NULL AND archived_at IS NULL AND kind <> 'invitation';

-- Of a document or of a workspace. reason: chosen by the person, or given with a comment or a mention.
CREATE TABLE subscriptions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id uuid NOT NULL DEFAULT app.user_id() REFERENCES users ON DELETE CASCADE,
  workspace_id uuid REFERENCES workspaces ON DELETE CASCADE,
  document_id uuid REFERENCES documents ON DELETE CASCADE,
  level text NOT NULL CHECK (level IN ('follow', 'participating', 'muted')),
  reason text NOT NULL DEFAULT 'chosen' CHECK (reason IN ('chosen', 'comment', 'mention')),
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  CHECK (num_nonnulls(workspace_id, document_id) = 1),
  UNIQUE (user_id, document_id), UNIQUE (user_id, workspace_id));
CREATE INDEX subscriptions_document ON subscriptions (document_id) WHERE document_id IS NOT NULL;
CREATE INDEX subscriptions_workspace ON subscriptions (workspace_id) WHERE workspace_id IS NOT NULL;

ALTER TABLE notifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE subscriptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE mail_outbox ENABLE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE, DELETE ON notifications, subscriptions, mail_outbox TO app_service, app_admin;
GRANT SELECT ON notifications, subscriptions TO app_readonly, app_readwrite;
GRANT UPDATE (read_at, archived_at) ON notifications TO app_readwrite;
GRANT INSERT, DELETE, UPDATE (level, reason, updated_at) ON subscriptions TO app_readwrite;
