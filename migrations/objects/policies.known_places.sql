DROP POLICY IF EXISTS internal ON known_places;
CREATE POLICY internal ON known_places TO app_service USING (true) WITH CHECK (true);
