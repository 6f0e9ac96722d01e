-- What an account that is erased leaves in discussions: its comments without a name, and no mention of its name.
-- To be called while the account still has its user name.
CREATE OR REPLACE FUNCTION app.erase_comments(p_user uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  link text := '@\[(?:[^][\\\n]|\\.)*\]\(user:' || p_user || '\)';
  handle text := (SELECT '@' || regexp_replace(username, '([.])', '\\\1', 'g') || '(?![[:alnum:]_])' FROM users WHERE id = p_user);
  span text := '<span class="mention" data-user="' || p_user || '">[^<]*</span>';
BEGIN
  DELETE FROM comment_edits e USING comments c WHERE c.id = e.comment_id AND c.author_id = p_user;
  UPDATE comment_edits SET edited_by = NULL WHERE edited_by = p_user;
  DELETE FROM comment_reactions WHERE user_id = p_user;
  PERFORM set_config('app.erasing', 'on', true);
  UPDATE comments SET content = regexp_replace(content, handle,
      CASE WHEN octet_length(content) < 8192 THEN '@Deleted user' ELSE '@--' END, 'gi')  -- the longer one fits: at most 13 for 3
    WHERE handle IS NOT NULL AND id IN (SELECT comment_id FROM comment_mentions WHERE user_id = p_user) AND content ~* handle;
  UPDATE comments SET content = regexp_replace(content, link, '@Deleted user', 'gi'),
      content_html = regexp_replace(content_html, span, '@Deleted user', 'g')
    WHERE content ILIKE '%(user:' || p_user || ')%' OR content_html LIKE '%data-user="' || p_user || '"%';
  PERFORM set_config('app.erasing', '', true);
  UPDATE comment_edits SET old_content = regexp_replace(old_content, link, '@Deleted user', 'gi')
    WHERE old_content ILIKE '%(user:' || p_user || ')%';
  DELETE FROM comment_mentions WHERE user_id = p_user;
  UPDATE comments SET author_id = NULL, author_name = NULL WHERE author_id = p_user;
  UPDATE comments SET resolved_by = NULL WHERE resolved_by = p_user;
END $$;
REVOKE EXECUTE ON FUNCTION app.erase_comments(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.erase_comments(uuid) TO app_service, app_admin;
