/** What the REST API answers of comments, suggestions and notifications. */

export interface Person {
  id: string;
  name: string;
  username?: string | null;
  avatar_url?: string | null;
}

export interface CommentAuthor {
  id: string | null;
  kind: 'user' | 'api_client' | 'guest' | 'app_user';
  name: string | null;
  avatar_url?: string | null;
}

export interface Reaction {
  emoji: string;
  count: number;
  mine: boolean;
  people?: string[];
}

/** Where the words are that a thread is about. start, end: null where they are gone. */
export interface CommentAnchor {
  quote: string;
  start: number | null;
  end: number | null;
  orphaned: boolean;
  relative_start: string | null;
  relative_end: string | null;
}

export interface Comment {
  id: string;
  document_id: string;
  thread_id: string;
  parent_id: string | null;
  depth: number;
  content: string;
  content_html: string;
  author: CommentAuthor;
  mentions: { id: string; name: string | null }[];
  unreachable: string[];
  reactions: Reaction[];
  resolved: boolean;
  resolved_by: CommentAuthor | null;
  resolved_at: string | null;
  edited: boolean;
  deleted: boolean;
  row_version: number;
  created_at: string;
  updated_at: string;
  anchor: CommentAnchor | null;
}

export interface CommentEdit {
  content: string;
  edited_at: string;
}

export interface Hunk {
  number: number;
  status: 'open' | 'accepted' | 'rejected';
  start: number | null;
  end: number | null;
  deleted: string;
  inserted: string;
  relative_start: string | null;
  relative_end: string | null;
  stale: boolean;
}

export interface Suggestion {
  id: string;
  document_id: string;
  status: 'open' | 'accepted' | 'rejected' | 'stale';
  author: CommentAuthor;
  message: string | null;
  hunks: Hunk[];
  created_at: string;
  row_version: number;
}

export interface Notification {
  id: string;
  kind: string;
  actors: { id: string | null; name: string | null; avatar_url?: string | null }[];
  document: { id: string; title: string | null; address: string } | null;
  workspace: { id: string; name: string } | null;
  comment: { id: string; thread_id: string; excerpt: string } | null;
  count: number;
  created_at: string;
  updated_at: string;
  read: boolean;
  archived: boolean;
  url: string | null;
}

/** What somebody wants to hear of a document. effective: with the choice for its workspace. */
export interface Subscribed {
  level: string | null;
  effective: string | null;
}

export interface NotificationSettings {
  email?: boolean;
  digest?: 'immediate' | 'daily';
  browser?: boolean;
  documentShared?: boolean;
  systemUpdates?: boolean;
}
