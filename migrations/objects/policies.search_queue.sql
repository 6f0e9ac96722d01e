DROP POLICY IF EXISTS internal ON search_queue;
CREATE POLICY internal ON search_queue TO app_service, app_admin USING (true) WITH CHECK (true);
