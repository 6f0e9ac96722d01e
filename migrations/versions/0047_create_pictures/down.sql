DROP TRIGGER IF EXISTS picture ON users;
DROP TRIGGER IF EXISTS picture ON workspaces;
DROP FUNCTION IF EXISTS app.keep_picture;
DROP TABLE pictures;
UPDATE users SET avatar_url = NULL WHERE avatar_url LIKE '/api/v1/pictures/%';
UPDATE workspaces SET icon = NULL WHERE icon LIKE '/api/v1/pictures/%';
