DROP TRIGGER notify ON comments;
DROP TRIGGER notify ON comment_mentions;
DROP TRIGGER notify ON comment_reactions;
DROP TRIGGER notify_added ON workspace_members;
DROP TRIGGER notify_changed ON workspace_members;
DROP TRIGGER notify ON invitations;
DROP TRIGGER notify_edits ON documents;
DROP TRIGGER notify_encrypted ON documents;
DROP TABLE subscriptions, notifications, mail_outbox;
DROP FUNCTION app.notify, app.subscription_level, app.may_be_told, app.notify_comment, app.notify_mention,
  app.notify_reaction, app.notify_member, app.notify_invitation, app.notify_edits, app.notification_changed,
  app.notification_actors, app.purge_notifications, app.erase_notifications, app.participate, app.thread_people;
