-- without_metadata: what a picture says about place, camera and author is dropped when all parts are here.
-- objects: 9247809ce0f0c5a2
ALTER TABLE uploads ADD without_metadata boolean NOT NULL DEFAULT false;
GRANT INSERT (without_metadata) ON uploads TO app_readwrite;
