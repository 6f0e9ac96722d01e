-- Tells a person of something, in the transaction of the change. p_within: an unread entry of the same kind and thing that
-- was renewed within this time is renewed again; NULL: each event has an entry of its own.
CREATE OR REPLACE FUNCTION app.notify(p_user uuid, p_kind text, p_workspace uuid, p_document uuid, p_comment uuid, p_actors uuid[],
  p_within interval DEFAULT NULL, p_data jsonb DEFAULT '{}', p_invitation uuid DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE entry uuid; wish text := CASE WHEN p_kind IN ('membership', 'invitation', 'share') THEN 'documentShared'
                                      WHEN p_kind = 'role' THEN 'systemUpdates' END;
BEGIN
  PERFORM FROM users WHERE id = p_user AND is_active AND deleted_at IS NULL;
  IF NOT FOUND OR EXISTS (SELECT FROM user_settings WHERE user_id = p_user AND notifications -> wish = 'false') THEN
    RETURN;
  END IF;
  IF p_within IS NOT NULL THEN
    UPDATE notifications n SET count = n.count + 1, updated_at = now(),
      actor_ids = (p_actors || ARRAY(SELECT a FROM unnest(n.actor_ids) WITH ORDINALITY x (a, place)
                                     WHERE a <> ALL (p_actors) ORDER BY place))[:10]
    WHERE n.id = (SELECT e.id FROM notifications e
      WHERE e.user_id = p_user AND e.kind = p_kind AND e.read_at IS NULL AND e.archived_at IS NULL
        AND e.document_id IS NOT DISTINCT FROM p_document AND e.comment_id IS NOT DISTINCT FROM p_comment
        AND e.workspace_id = p_workspace AND e.updated_at > now() - p_within ORDER BY e.updated_at DESC LIMIT 1)
    RETURNING n.id INTO entry;
    IF FOUND THEN
      PERFORM app.record_change(p_workspace, 'notification', entry, p_document, 'update', '{count}', p_target => p_user);
      RETURN;
    END IF;
  END IF;
  INSERT INTO notifications (user_id, kind, workspace_id, document_id, comment_id, invitation_id, actor_ids, data)
    VALUES (p_user, p_kind, p_workspace, p_document, p_comment, p_invitation, p_actors[:10], p_data) RETURNING id INTO entry;
  PERFORM app.record_change(p_workspace, 'notification', entry, p_document, 'create', p_target => p_user);
END $$;
REVOKE EXECUTE ON FUNCTION app.notify(uuid, text, uuid, uuid, uuid, uuid[], interval, jsonb, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.notify(uuid, text, uuid, uuid, uuid, uuid[], interval, jsonb, uuid) TO app_service, app_admin;
