/** What the REST API answers of accounts: one's own, and those that administrators see. */

export interface Account {
  id: string;
  email: string;
  email_verified: boolean;
  display_name: string;
  username: string | null;
  avatar_url: string | null;
  bio: string | null;
}

export interface Preferences {
  theme: 'system' | 'light' | 'dark';
  language: string;
  editor?: Record<string, unknown>;
  editor_mode: import('./editor-mode.js').EditorMode;
  render?: { defaultFormat?: string };
  notifications?: import('./discussion-types.js').NotificationSettings;
}

export interface UserSession {
  id: string;
  current: boolean;
  device: string | null;
  device_name: string | null;
  ip_address: string | null;
  signed_in_by: string;
  created_at: string;
  last_activity_at: string | null;
}

export interface Token {
  id: string;
  name: string;
  scope: string;
  scopes?: string[];
  created_at: string;
  last_used_at: string | null;
  expires_at: string | null;
  parent?: { kind: string; name: string } | null;
}

export interface User {
  id: string;
  email: string;
  display_name: string | null;
  avatar_url?: string | null;
  role: 'user' | 'admin';
  is_active?: boolean;
  created_at: string;
}

export interface AuditEntry {
  id: string;
  at: string;
  action: string;
  outcome?: string;
  actor: { name: string } | null;
  [detail: string]: any;
}
