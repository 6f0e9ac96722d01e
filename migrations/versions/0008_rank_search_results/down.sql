DROP FUNCTION app.search_titles(text, uuid, integer),
  app.search_documents(text, text, uuid, text, text[], integer, real, uuid),
  app.search_snippet(regconfig, text, tsquery, text), app.search_marked(regconfig, text, tsquery),
  app.search_queries(text, text), app.trigrams(text);
DROP TRIGGER documents_30_search ON documents;
CREATE TRIGGER documents_30_search AFTER INSERT OR UPDATE OF title, description, content, language, content_encrypted
  ON documents FOR EACH ROW EXECUTE FUNCTION app.search_enqueue();
CREATE OR REPLACE FUNCTION app.refresh_search(p_limit integer DEFAULT 100) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET client_min_messages = warning AS $$
DECLARE ids uuid[]; i uuid;
BEGIN
  WITH next AS (SELECT id FROM search_queue ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED),
    taken AS (DELETE FROM search_queue s USING next WHERE s.id = next.id RETURNING s.document_id)
  SELECT array_agg(DISTINCT document_id) INTO ids FROM taken;
  FOREACH i IN ARRAY coalesce(ids, '{}') LOOP
    INSERT INTO document_search AS s (document_id, workspace_id, tsv, truncated, indexed_hash, language)
    SELECT d.id, d.workspace_id, b.tsv, b.truncated OR d.content_truncated, d.content_hash, d.language
    FROM documents d, LATERAL app.build_tsv(app.fts_config(d.language), d.title, d.description, NULL,
      CASE WHEN d.content_encrypted IS NULL THEN d.content END) b
    WHERE d.id = i
    ON CONFLICT (document_id) DO UPDATE SET tsv = EXCLUDED.tsv, truncated = EXCLUDED.truncated,
      indexed_hash = EXCLUDED.indexed_hash, language = EXCLUDED.language
      WHERE s.tsv IS DISTINCT FROM EXCLUDED.tsv;
  END LOOP;
  RETURN coalesce(cardinality(ids), 0);
END $$;
CREATE OR REPLACE FUNCTION app.build_tsv(p_config regconfig, p_title text, p_description text, p_tags text, p_body text,
                              OUT tsv tsvector, OUT truncated boolean) LANGUAGE plpgsql STABLE AS $$
DECLARE
  piece constant integer := 131072;
  place integer := 1;
  part tsvector;
  body text := app.fts_text(coalesce(p_body, ''));
BEGIN
  truncated := false;
  tsv := setweight(to_tsvector(p_config, app.fts_text(coalesce(p_title, ''))), 'A')
      || setweight(to_tsvector(p_config, app.fts_text(left(coalesce(p_description, ''), 20000))), 'B')
      || setweight(to_tsvector('simple', app.fts_text(coalesce(p_tags, ''))), 'C');
  BEGIN
    tsv := tsv || setweight(to_tsvector(p_config, body), 'D');
    RETURN;
  EXCEPTION WHEN program_limit_exceeded THEN
    NULL;
  END;
  WHILE place <= length(body) LOOP
    part := to_tsvector(p_config, substr(body, place, piece));
    IF place > 1 THEN part := strip(part); END IF;
    BEGIN
      tsv := tsv || part;
    EXCEPTION WHEN program_limit_exceeded THEN
      truncated := true;
      RETURN;
    END;
    place := place + piece;
  END LOOP;
END $$;
CREATE OR REPLACE FUNCTION app.fts_text(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT regexp_replace(p_text, '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])', ' \1 ', 'g') $$;
DROP INDEX document_search_words, document_search_language;
ALTER TABLE document_search DROP title_words, DROP title_trigrams, DROP changed_at;
DO $$ BEGIN
  IF (SELECT count(*) FROM pg_extension WHERE extname IN ('pg_trgm', 'btree_gin')) = 2 THEN
    CREATE INDEX document_search_tsv ON document_search USING gin (workspace_id, tsv);
    CREATE INDEX documents_title_trgm ON documents USING gin (workspace_id, title gin_trgm_ops);
  ELSE
    CREATE INDEX document_search_tsv ON document_search USING gin (tsv);
    CREATE INDEX document_search_workspace ON document_search (workspace_id);
  END IF;
END $$;
INSERT INTO search_queue (document_id) SELECT id FROM documents EXCEPT SELECT document_id FROM search_queue;
DROP TABLE document_renders;
