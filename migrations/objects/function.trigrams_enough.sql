-- A title with at least p_least of these trigrams has at least three of them when p_least - 3 are left out: the most
-- common ones, so that their long lists need not be read. Which these are, ANALYZE has noted. The query finds more than
-- is wanted, never less. Three of many makes a long query: then it is one of many.
CREATE OR REPLACE FUNCTION app.trigrams_enough(p_trigrams text[], p_least integer) RETURNS tsquery
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
  several constant integer :=
    CASE WHEN p_least < 2 OR cardinality(p_trigrams) > 50 THEN 1 ELSE least(p_least, 3) END;
  rare text[];  -- the rarest first
  ones text[];    -- what finds one of a group, two, and three of it; the groups are joined in pairs
  twos text[];
  threes text[];
BEGIN
  SELECT array_agg(quote_literal(x.trigram) ORDER BY s.frequency NULLS FIRST, x.trigram) INTO rare
  FROM unnest(p_trigrams) x (trigram) LEFT JOIN (
    SELECT e.trigram, f.frequency
    FROM pg_stats p, unnest(p.most_common_elems::text::text[]) WITH ORDINALITY e (trigram, place)
      JOIN unnest(p.most_common_elem_freqs) WITH ORDINALITY f (frequency, place) USING (place)
    WHERE p.schemaname = 'public' AND p.tablename = 'document_search' AND p.attname = 'title_trigrams') s
    USING (trigram);
  ones := rare[:cardinality(rare) - greatest(1, p_least) + several];
  twos := array_fill(NULL::text, ARRAY[cardinality(ones)]);
  threes := twos;
  WHILE cardinality(ones) > 1 LOOP
    SELECT array_agg(nullif(concat_ws(' | ', a.one, b.one), '') ORDER BY a.place),
      array_agg(nullif(concat_ws(' | ', a.two, b.two, '(' || a.one || ') & (' || b.one || ')'), '') ORDER BY a.place),
      array_agg(nullif(concat_ws(' | ', a.three, b.three, '(' || a.two || ') & (' || b.one || ')',
                          '(' || a.one || ') & (' || b.two || ')'), '') ORDER BY a.place)
    INTO ones, twos, threes
    FROM unnest(ones, twos, threes) WITH ORDINALITY a (one, two, three, place)
      LEFT JOIN unnest(ones, twos, threes) WITH ORDINALITY b (one, two, three, place) ON b.place = a.place + 1
    WHERE a.place % 2 = 1;
  END LOOP;
  RETURN (ARRAY[ones[1], twos[1], threes[1]])[several]::tsquery;
END $$;
REVOKE EXECUTE ON FUNCTION app.trigrams_enough(text[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.trigrams_enough(text[], integer) TO app_service, app_admin;
