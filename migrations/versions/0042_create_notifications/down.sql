DROP TRIGGER IF EXISTS notify ON comments;
DROP TRIGGER IF EXISTS notify ON comment_mentions;
DROP TRIGGER IF EXISTS notify ON comment_reactions;
DROP TRIGGER IF EXISTS notify_added ON workspace_members;
DROP TRIGGER IF EXISTS notify_changed ON workspace_members;
DROP TRIGGER IF EXISTS notify ON invitations;
DROP TRIGGER IF EXISTS notify_edits ON documents;
DROP TRIGGER IF EXISTS notify_encrypted ON documents;
DROP TABLE subscriptions, notifications, mail_outbox;
DROP FUNCTION IF EXISTS app.notify, app.subscription_level, app.may_be_told, app.notify_comment, app.notify_mention,
  app.notify_reaction, app.notify_member, app.notify_invitation, app.notify_edits, app.notification_changed,
  app.notification_actors, app.purge_notifications, app.erase_notifications, app.participate, app.thread_people;
