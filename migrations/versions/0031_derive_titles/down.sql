-- Replaces a passage in the definition of every function of these names. A passage that is not there, or a function, is
-- an error. Used by this revision only.
CREATE FUNCTION pg_temp.rewrite(p_names text[], p_passage text, p_by text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE f record; seen text[] := '{}';
BEGIN
  FOR f IN SELECT p.proname::text AS name, pg_get_functiondef(p.oid) AS definition FROM pg_proc p
    WHERE p.pronamespace = 'app'::regnamespace AND p.proname = ANY (p_names)
  LOOP
    IF strpos(f.definition, p_passage) = 0 THEN RAISE EXCEPTION 'app.% has no "%"', f.name, p_passage; END IF;
    EXECUTE replace(f.definition, p_passage, p_by);
    seen := seen || f.name;
  END LOOP;
  IF NOT p_names <@ seen THEN RAISE EXCEPTION 'not all of % are there', p_names; END IF;
END $$;
DROP FUNCTION app.mirror_presence(text, jsonb, text[], boolean, float8);
SELECT pg_temp.rewrite(ARRAY['document_details'], 'left(d.content, 1000)', 'left(d.content, 400)');
SELECT pg_temp.rewrite(ARRAY['audit_document'],
  E'  IF TG_OP = \'UPDATE\' AND NOT OLD.title_is_set AND NOT NEW.title_is_set THEN\n'
  || E'    o := o || jsonb_build_object(\'title\', NEW.title);\n  END IF;\n', '');
SELECT pg_temp.rewrite(ARRAY['note_edits'], 'NEW.title IS DISTINCT FROM OLD.title AND NEW.title_is_set THEN',
  'NEW.title IS DISTINCT FROM OLD.title THEN');
DROP FUNCTION app.title_is_set(uuid), app.follow_heading(uuid, text), app.title_without(text);
ALTER TABLE documents DROP title_is_set;
DROP TRIGGER expiry_ins ON documents;
DROP TRIGGER expiry_upd ON documents;
DROP FUNCTION app.next_expiry();
SELECT pg_temp.rewrite(ARRAY['document_permission', 'document_permissions_for', 'documents_listed', 'search_documents',
  'search_titles'], '(d.deleted_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > now()))', 'd.deleted_at IS NULL');
DROP POLICY doc_not_expired ON documents;
