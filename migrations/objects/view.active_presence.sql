CREATE OR REPLACE VIEW active_presence WITH (security_invoker = true) AS
SELECT connection_id, node_id, document_id, workspace_id, user_id, guest_name, device_type, device_name,
  cursor_position, selection_range, is_typing, current_block_id, connected_at, last_activity_at, expires_at
FROM presence WHERE disconnected_at IS NULL AND expires_at > now();
GRANT SELECT ON active_presence TO app_readonly, app_readwrite, app_service, app_admin;
