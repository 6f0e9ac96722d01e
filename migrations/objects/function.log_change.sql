-- p_old, p_new: the row before and after, without secrets. p_shown: the columns whose values are told.
CREATE OR REPLACE FUNCTION app.log_change(p_entity_type text, p_entity_id text, p_workspace uuid, p_old jsonb, p_new jsonb,
  p_shown text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE changed text[]; action text; was jsonb; is_now jsonb;
BEGIN
  IF p_old IS NULL THEN
    action := 'create';
  ELSIF p_new IS NULL THEN
    action := CASE WHEN p_old ->> 'deleted_at' IS NULL THEN 'delete' ELSE 'purge' END;
  ELSE
    SELECT array_agg(k ORDER BY k) INTO changed FROM jsonb_object_keys(p_new) k WHERE p_new -> k IS DISTINCT FROM p_old -> k;
    IF changed IS NULL THEN RETURN; END IF;
    action := CASE
      WHEN 'deleted_at' = ANY (changed) THEN CASE WHEN p_new ->> 'deleted_at' IS NULL THEN 'restore' ELSE 'delete' END
      WHEN 'archived_at' = ANY (changed) THEN CASE WHEN p_new ->> 'archived_at' IS NULL THEN 'unarchive' ELSE 'archive' END
      WHEN 'revoked_at' = ANY (changed) THEN 'revoke'
      WHEN 'owner_id' = ANY (changed) THEN 'transfer'
      WHEN p_entity_type = 'invitation' AND 'status' = ANY (changed) THEN
        CASE p_new ->> 'status' WHEN 'accepted' THEN 'accept' WHEN 'declined' THEN 'decline' WHEN 'expired' THEN 'expire'
          WHEN 'revoked' THEN 'revoke' ELSE 'update' END
      WHEN p_entity_type = 'invitation' THEN 'resend'
      ELSE 'update' END;
  END IF;
  SELECT jsonb_object_agg(k, p_old -> k) INTO was FROM unnest(p_shown) k
    WHERE p_old ->> k IS NOT NULL AND (changed IS NULL OR k = ANY (changed));
  SELECT jsonb_object_agg(k, p_new -> k) INTO is_now FROM unnest(p_shown) k
    WHERE p_new ->> k IS NOT NULL AND (changed IS NULL OR k = ANY (changed));
  PERFORM app.log_activity(action, p_entity_type, p_entity_id, p_workspace, changed,
    jsonb_strip_nulls(jsonb_build_object('old', was, 'new', is_now)));
END $$;
REVOKE EXECUTE ON FUNCTION app.log_change(text, text, uuid, jsonb, jsonb, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.log_change(text, text, uuid, jsonb, jsonb, text[]) TO app_service, app_admin;
