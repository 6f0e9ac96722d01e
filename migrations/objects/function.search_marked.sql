-- The text with U+0002 and U+0003 around the words that the query finds, and none of these elsewhere.
CREATE OR REPLACE FUNCTION app.search_marked(p_config regconfig, p_text text, p_query tsquery) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
  text text := translate(p_text, chr(2) || chr(3), '');
  wanted tsquery := (
    SELECT string_agg(m[1], ' | ')::tsquery FROM regexp_matches(querytree(p_query), '(''(?:[^'']|'''')+''(?::\*)?)', 'g') m);
  -- Signs of which the parser makes compounds, or (<) tags that it drops, and what stands for them meanwhile.
  signs constant text := '-./_@:+~&<';
  others constant text := E'\x01\x04\x05\x06\x07\x08\x0e\x0f\x10\x11';
BEGIN
  IF app.fold(text) = text THEN
    RETURN translate(ts_headline(p_config, regexp_replace(translate(translate(text, others || chr(31), ''), signs, others),
        '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])', chr(31) || '\1' || chr(31), 'g'), p_query,
      format('StartSel=%s, StopSel=%s, HighlightAll=true', chr(2), chr(3))), others || chr(31), signs);
  END IF;
  RETURN coalesce((
    WITH pieces AS MATERIALIZED (  -- of one Han, kana or hangul; of a word; of what stands between
      SELECT m[1] AS unspaced, m[2] AS word, m[3] AS other, m[2] ~ '^[A-Za-z]+$' AS plain, n
      FROM regexp_matches(text, '([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af])|([^\s!-/:-@[-`{-~\u00a0-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u2010-\u206f\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+)|([\s!-/:-@[-`{-~\u00a0-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u2010-\u206f\u3000-\u303f]+)', 'g')
        WITH ORDINALITY x (m, n)),
    plain AS (  -- each has a place of its own, so they can be looked at together
      SELECT n, row_number() OVER (ORDER BY n) AS place FROM pieces WHERE plain),
    places AS (
      SELECT unnest(l.positions) AS place
      FROM unnest(to_tsvector(p_config, (SELECT string_agg(word, ' ' ORDER BY n) FROM pieces WHERE plain))) l
      WHERE array_to_tsvector(ARRAY[l.lexeme]) @@ wanted),
    marked AS (
      SELECT n FROM plain JOIN places USING (place)
      UNION ALL SELECT n FROM pieces WHERE NOT plain AND app.search_vector(p_config, word) @@ wanted
      UNION ALL SELECT n FROM pieces WHERE unspaced IS NOT NULL AND array_to_tsvector(ARRAY[coalesce(unspaced, ' ')]) @@ wanted)
    SELECT string_agg(CASE WHEN m.n IS NULL THEN concat(p.unspaced, p.word, p.other)
        ELSE concat(chr(2), p.unspaced, p.word, chr(3)) END, '' ORDER BY p.n)
    FROM pieces p LEFT JOIN marked m ON m.n = p.n), '');
END $$;
REVOKE EXECUTE ON FUNCTION app.search_marked(regconfig, text, tsquery) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.search_marked(regconfig, text, tsquery) TO app_service, app_admin;
