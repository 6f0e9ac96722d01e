CREATE OR REPLACE TRIGGER feed AFTER INSERT OR DELETE ON comment_reactions
  FOR EACH ROW EXECUTE FUNCTION app.comment_reacted('reactions');
CREATE OR REPLACE TRIGGER notify AFTER INSERT OR DELETE ON comment_reactions
  FOR EACH ROW EXECUTE FUNCTION app.notify_reaction();
