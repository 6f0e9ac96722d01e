-- without_metadata: what a picture says about place, camera and author is dropped when all parts are here.
-- direct_key: of the object that a client puts straight into the bucket. checksum_sha256: that the bytes must have.
-- objects: 9f04ef7ac820a779
ALTER TABLE uploads ADD without_metadata boolean NOT NULL DEFAULT false, ADD direct_key text,
  ADD checksum_sha256 bytea CHECK (octet_length(checksum_sha256) = 32),
  ADD CHECK (direct_key IS NULL OR checksum_sha256 IS NOT NULL);
GRANT INSERT (without_metadata, direct_key, checksum_sha256) ON uploads TO app_readwrite;
