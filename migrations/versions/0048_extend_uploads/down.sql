ALTER TABLE uploads DROP without_metadata;
