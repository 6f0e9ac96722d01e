DROP TRIGGER IF EXISTS gone ON uploads;
DROP TRIGGER IF EXISTS complete ON uploads;
DROP FUNCTION IF EXISTS app.upload_gone;
ALTER TABLE uploads DROP without_metadata, DROP direct_key, DROP checksum_sha256;
