DROP FUNCTION app.purge_sync_mutations(integer, integer);
DROP TABLE sync_conflicts, sync_mutations;
