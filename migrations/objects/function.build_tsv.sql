-- Tags are found in the document's language too: "plans" by "planning".
CREATE OR REPLACE FUNCTION app.build_tsv(p_config regconfig, p_title text, p_description text, p_tags text, p_body text,
                                         OUT tsv tsvector, OUT truncated boolean) LANGUAGE plpgsql STABLE AS $$
DECLARE
  piece constant integer := 131072;
  more constant integer := 1000000;  -- characters of the text beyond which its words' parts are enough
  place integer := 1;
  part tsvector;
  description text := left(coalesce(p_description, ''), 20000);
  body text := coalesce(p_body, '');
  whole boolean := true;  -- the text's words fit at once
BEGIN
  truncated := false;
  tsv := setweight(to_tsvector(p_config, app.fts_text(coalesce(p_title, ''))), 'A')
      || setweight(to_tsvector(p_config, app.fts_text(description)), 'B')
      || setweight(to_tsvector(p_config, app.fts_text(coalesce(p_tags, ''))), 'C');
  tsv := tsv || app.search_more(p_config, concat_ws(' ', p_title, description, p_tags), tsv);
  BEGIN
    part := to_tsvector(p_config, app.fts_text(body));
    tsv := tsv || setweight(part, 'D');
  EXCEPTION WHEN program_limit_exceeded THEN
    whole := false;
  END;
  IF NOT whole OR EXISTS (SELECT FROM unnest(part) p
      WHERE cardinality(p.positions) >= 255 OR p.positions[cardinality(p.positions)] >= 16383) THEN
    tsv := tsv || array_to_tsvector(ARRAY[E'\x01']);  -- see search_term
  END IF;
  IF whole THEN
    BEGIN
      tsv := tsv || app.search_more(p_config, left(body, more), part);
      RETURN;
    EXCEPTION WHEN program_limit_exceeded THEN
      NULL;  -- as many as fit, below
    END;
  ELSE
    WHILE place <= length(body) LOOP
      part := to_tsvector(p_config, app.fts_text(substr(body, place, piece)));
      IF place > 1 THEN part := strip(part); END IF;
      BEGIN
        tsv := tsv || part;
      EXCEPTION WHEN program_limit_exceeded THEN
        truncated := true;
        RETURN;
      END;
      place := place + piece;
    END LOOP;
    place := 1;
  END IF;
  WHILE place <= least(length(body), more) LOOP
    BEGIN
      tsv := tsv || app.search_more(p_config, substr(body, place, piece), strip(tsv));
    EXCEPTION WHEN program_limit_exceeded THEN
      truncated := true;
      RETURN;
    END;
    place := place + piece;
  END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION app.build_tsv(regconfig, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.build_tsv(regconfig, text, text, text, text) TO app_service, app_admin;
