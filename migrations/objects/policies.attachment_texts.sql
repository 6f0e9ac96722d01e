-- People find texts by app.search_attachments only.
DROP POLICY IF EXISTS internal ON attachment_texts;
CREATE POLICY internal ON attachment_texts TO app_service, app_admin USING (true) WITH CHECK (true);
