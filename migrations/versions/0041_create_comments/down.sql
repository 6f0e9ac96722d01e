DROP TABLE comment_edits, comment_reactions, comment_mentions, comments;
DROP FUNCTION app.comment_before, app.comment_changed, app.comment_reacted;
