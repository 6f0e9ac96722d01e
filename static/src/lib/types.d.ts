/** What the REST API answers, as far as the pages read it. */

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export type WorkspaceRole = 'owner' | 'admin' | 'editor' | 'commenter' | 'viewer';

/** What auth/me answers. */
export interface CurrentUser {
  kind: 'user' | 'guest' | 'connect';
  id: string;
  name: string;
  email?: string;
  avatar_url?: string | null;
  is_admin?: boolean;
  has_password?: boolean;
  default_workspace?: Workspace | null;
  csrf_token?: string | null;
}

export interface SignedIn {
  user: { id: string; email: string; has_password?: boolean };
  csrf_token?: string | null;
}

export interface Providers {
  local: boolean;
  mail: boolean;
  guests: boolean;
  registration: 'open' | 'invited' | 'closed';
  oidc: { name: string; login_url: string } | null;
}

export interface Workspace {
  id: string;
  name: string;
  slug: string | null;
  kind: 'personal' | 'team' | 'playground';
  description: string | null;
  icon?: string | null;
  color: string | null;
  role?: WorkspaceRole;
  permissions: string[];
  can_create?: boolean;
  archived_at: string | null;
  deleted_at: string | null;
  member_count?: number;
  member_limit?: number | null;
  row_version: number;
}

export interface Usage {
  documents: number;
  deleted_documents: number;
  members: number;
  member_limit: number | null;
  storage_used_bytes: number;
  attachment_bytes: number;
  history_bytes: number;
  storage_limit_bytes: number | null;
}

export interface Member {
  user_id: string;
  display_name: string | null;
  email: string;
  avatar_url?: string | null;
  role: WorkspaceRole;
  permissions?: Record<string, boolean>;
  is_active?: boolean;
  joined_at: string | null;
}

export interface Invitation {
  id: string;
  email: string;
  role: WorkspaceRole;
  status: string;
  created_at: string;
  link?: string | null;
}

/** An invitation as its receiver sees it. */
export interface ReceivedInvitation extends Invitation {
  workspace: { id: string; name: string; slug?: string | null };
  invited_by?: { name: string } | string | null;
  [detail: string]: any;
}

/** An entry of a workspace's activity. */
export interface Activity {
  id: string;
  at: string;
  action: string;
  actor: { name: string } | null;
  entity_type: string;
  entity_name?: string | null;
  changed_fields?: string[] | null;
  data?: Record<string, any> | null;
}

export interface Tag {
  id: string;
  name: string;
  slug: string;
  color?: string | null;
}

export type Category = { id: string; name: string };

/** Somebody who has a document open. Guests have no user_id. */
export interface PresentPerson {
  user_id: string | null;
  name: string | null;
  avatar_url?: string | null;
}

export interface DocumentPresence {
  document_id: string;
  people: number;
  present: PresentPerson[];
}

export interface Doc {
  id: string;
  workspace_id: string;
  address: string;
  name: string | null;
  title: string | null;
  title_is_set?: boolean;
  type: string;
  status?: string;
  priority?: string;
  category_id?: string | null;
  role?: string;
  description?: string | null;
  excerpt?: string | null;
  word_count?: number | null;
  view_count?: number | null;
  comment_count?: number;
  tags?: Tag[];
  metadata?: Record<string, any> | null;
  settings?: Record<string, any>;
  content_bytes?: number;
  is_favourite?: boolean;
  is_template?: boolean;
  people?: number;
  present?: PresentPerson[];
  created_at: string;
  updated_at: string;
  last_edited_at?: string | null;
  deleted_at?: string | null;
  created_by?: { id: string; name: string } | null;
  updated_by?: { id?: string; name: string } | null;
  row_version: number;
}

/** What the search finds. */
export interface Hit {
  document: Doc;
  snippet: string;
  title_highlight?: string | null;
  attachment?: { id: string; file_name: string } | null;
}

export interface ImportedItem {
  file: string;
  status: string;
  detail?: string;
  document?: Doc;
  notes?: string[];
}

/** The author of edits. `relayed`: the author is not known, and this is who delivered them. */
export interface HistoryAuthor {
  id: string | null;
  kind: 'user' | 'guest' | 'api_client' | 'app_user' | 'unknown';
  name: string | null;
  avatar_url?: string | null;
  relayed: boolean;
}

/** Numbers of lines. */
export interface ChangesSummary {
  added: number;
  removed: number;
  modified: number;
}

export interface Version {
  number: number;
  kind: 'auto' | 'manual' | 'restore' | 'import' | 'before-deletion' | 'conversion';
  created_by?: string | null;
  label: string | null;
  pinned: boolean;
  seq: number;
  authors: HistoryAuthor[];
  changes_summary: ChangesSummary;
  created_at: string;
}

/** Edits of one author without a long pause. `inserted`, `deleted`: UTF-16 code units. */
export interface EditSession {
  author: HistoryAuthor;
  first_at: string;
  last_at: string;
  from_seq: number;
  to_seq: number;
  inserted: number;
  deleted: number;
}

export interface DifferencePiece {
  operation: 'equal' | 'insert' | 'delete';
  text: string;
  author: HistoryAuthor | null;
}

export interface Difference {
  summary: ChangesSummary;
  pieces: DifferencePiece[];
}

/** Who wrote which part of a text. */
export interface Blame {
  seq: number;
  runs: { text: string; author: HistoryAuthor; time: string | null }[];
}

/** An event of GET /sync/stream: what changed, never its values. */
export interface ChangeEvent {
  entity_type: string;
  entity_id: string;
  document_id: string | null;
  workspace_id: string;
  operation: 'create' | 'update' | 'delete';
  row_version: number | null;
  at: string;
}

export interface PresenceEvent {
  workspace_id: string;
  document_id: string;
}

export type Query = Record<string, string | number | boolean | null | undefined | readonly string[]>;
