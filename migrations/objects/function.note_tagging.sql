CREATE OR REPLACE FUNCTION app.note_tagging() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO document_edit_times AS t (document_id, field, edited_at)
  SELECT d.id, 'tags', coalesce(app.setting('edited_at')::timestamptz, now())
  FROM documents d WHERE d.id IN (SELECT document_id FROM changed) ORDER BY d.id
  ON CONFLICT (document_id, field) DO UPDATE SET edited_at = greatest(t.edited_at, EXCLUDED.edited_at);
  RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.note_tagging() FROM PUBLIC;
