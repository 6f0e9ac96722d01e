DROP TABLE comment_edits, comment_reactions, comment_mentions, comments;
DROP FUNCTION IF EXISTS app.audit_comment, app.comment_before, app.comment_changed, app.comment_reacted, app.erase_comments,
  app.open_threads;
