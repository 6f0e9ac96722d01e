DROP POLICY IF EXISTS internal ON comment_edits;
CREATE POLICY internal ON comment_edits TO app_service, app_admin USING (true) WITH CHECK (true);
DROP POLICY IF EXISTS via_comment ON comment_edits;
CREATE POLICY via_comment ON comment_edits FOR SELECT TO app_readwrite, app_readonly
  USING (EXISTS (SELECT FROM comments c WHERE c.id = comment_edits.comment_id));
