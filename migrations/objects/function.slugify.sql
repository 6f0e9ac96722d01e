CREATE OR REPLACE FUNCTION app.slugify(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(
    NULLIF(trim(both '-' FROM left(regexp_replace(lower(p_text), '[^[:alnum:]]+', '-', 'g'), 80)), ''),
    'x-' || left(md5(p_text), 8)) $$;
REVOKE EXECUTE ON FUNCTION app.slugify(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.slugify(text) TO app_readonly, app_readwrite, app_service, app_admin;
