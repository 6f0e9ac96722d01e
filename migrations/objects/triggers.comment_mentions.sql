CREATE OR REPLACE TRIGGER feed AFTER INSERT OR DELETE ON comment_mentions
  FOR EACH ROW EXECUTE FUNCTION app.comment_reacted('mentions');
CREATE OR REPLACE TRIGGER notify AFTER INSERT ON comment_mentions FOR EACH ROW EXECUTE FUNCTION app.notify_mention();
