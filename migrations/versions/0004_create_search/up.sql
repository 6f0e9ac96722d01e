-- Full-text search: the index table, and the queue of documents to index.

-- With btree_gin one index covers workspace and text; pg_trgm finds misspelt titles. Embedded PostgreSQL has neither.
DO $$ BEGIN
  IF (SELECT count(*) FROM pg_available_extensions WHERE name IN ('pg_trgm', 'btree_gin')) = 2 THEN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE EXTENSION IF NOT EXISTS btree_gin;
  END IF;
EXCEPTION WHEN insufficient_privilege THEN
  NULL;  -- search works without them, slower
END $$;

CREATE TABLE document_search (  -- apart from documents: a text that cannot be indexed must not fail a save
  document_id uuid PRIMARY KEY, workspace_id uuid NOT NULL, tsv tsvector, language text NOT NULL DEFAULT 'english',
  truncated boolean NOT NULL DEFAULT false, indexed_hash text,
  FOREIGN KEY (document_id, workspace_id) REFERENCES documents (id, workspace_id) ON UPDATE CASCADE ON DELETE CASCADE);
-- Append-only. Indexing within the save cost three times its throughput: each version of a row enters every lexeme
-- into the index again. A flag on document_search would pay the same at every UPDATE.
CREATE TABLE search_queue (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, document_id uuid NOT NULL,
  queued_at timestamptz NOT NULL DEFAULT now());
DO $$ BEGIN
  IF (SELECT count(*) FROM pg_extension WHERE extname IN ('pg_trgm', 'btree_gin')) = 2 THEN
    CREATE INDEX document_search_tsv ON document_search USING gin (workspace_id, tsv);
    CREATE INDEX documents_title_trgm ON documents USING gin (workspace_id, title gin_trgm_ops);
  ELSE
    CREATE INDEX document_search_tsv ON document_search USING gin (tsv);
    CREATE INDEX document_search_workspace ON document_search (workspace_id);
  END IF;
END $$;

CREATE FUNCTION app.fts_config(p_language text) RETURNS regconfig LANGUAGE plpgsql STABLE AS $$
BEGIN RETURN p_language::regconfig; EXCEPTION WHEN OTHERS THEN RETURN 'simple'::regconfig; END $$;
-- Han, kana and hangul are written without spaces: their characters are separated, here and in what is searched for.
CREATE FUNCTION app.fts_text(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT regexp_replace(p_text, '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])', ' \1 ', 'g') $$;
-- Never fails. A tsvector has at most 1 MB: a text beyond it is indexed in pieces until that is full, the first with
-- the positions that phrases and ranking need, the others without.
CREATE FUNCTION app.build_tsv(p_config regconfig, p_title text, p_description text, p_tags text, p_body text,
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

CREATE FUNCTION app.search_enqueue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' OR NEW.row_version <> OLD.row_version THEN
    INSERT INTO search_queue (document_id) VALUES (NEW.id);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER documents_30_search AFTER INSERT OR UPDATE OF title, description, content, language, content_encrypted
  ON documents FOR EACH ROW EXECUTE FUNCTION app.search_enqueue();
INSERT INTO search_queue (document_id) SELECT id FROM documents;

-- Indexes what up to p_limit entries of the queue name; -> how many documents. Any number of workers may run it: a save
-- that commits meanwhile leaves an entry of its own, and repeated saves are one rebuild.
CREATE FUNCTION app.refresh_search(p_limit integer DEFAULT 100) RETURNS integer
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

-- No grants to the roles of people: under row-level security neither @@ nor % may use an index.
ALTER TABLE document_search ENABLE ROW LEVEL SECURITY;
ALTER TABLE search_queue ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON document_search TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON search_queue TO app_service, app_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON document_search, search_queue TO app_service, app_admin;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA app FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA app TO app_service, app_admin;
