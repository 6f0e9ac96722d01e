-- Letters without accents and in their compatible form (NFKC): "cafe" for "café", however that is written. Latin, Greek,
-- and the Russian U+0435; where a mark makes another letter (й, が, हि) it stays. Points that readers may leave out
-- (Hebrew, Arabic) go, and so do characters that nobody sees.
CREATE OR REPLACE FUNCTION app.fold(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN octet_length(p_text) = length(p_text) THEN p_text ELSE
    replace(replace(replace(replace(replace(replace(replace(translate(normalize(regexp_replace(normalize(p_text, NFKD),
      '(?<=[A-Za-z\u0370-\u03ff\u0415\u0435])[\u0300-\u036f]+|[\u00ad\u034f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670\u200b\u200e\u200f\u2060\ufeff]', '', 'g'), NFKC),
      'đĐłŁøØıħĦŧŦðÐ', 'dDlLoOihHtTdD'),
      'ß', 'ss'), 'ẞ', 'SS'), 'æ', 'ae'), 'Æ', 'AE'), 'œ', 'oe'), 'Œ', 'OE'), 'þ', 'th') END $$;
REVOKE EXECUTE ON FUNCTION app.fold(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.fold(text) TO app_service, app_admin;
