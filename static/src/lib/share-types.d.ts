/** What the REST API answers about shares, as far as the pages read it. */

export type Permission = 'read' | 'comment' | 'write' | 'admin';

/** With whom a document is shared. `id`, `name`: null until the owner of the address has an account. */
export interface SharePerson {
  id: string | null;
  name: string | null;
  email: string | null;
  avatar_url: string | null;
}

export interface Share {
  id: string;
  document_id: string | null;
  tag_id: string | null;
  category_id: string | null;
  kind: 'link' | 'user';
  permission: Permission;
  name: string | null;
  user: SharePerson | null;
  has_password: boolean;
  expires_at: string | null;
  expired: boolean;
  max_uses: number | null;
  access_count: number;
  last_accessed_at: string | null;
  created_by: { id: string; name: string | null } | null;
  created_at: string;
}

/** `token`, `url`: of a link, shown only once. `mailed`: whether a mail went to the person's address. */
export interface NewShare extends Share {
  token: string | null;
  url: string | null;
  mailed: boolean;
}

export interface MemberAccess {
  id: string;
  name: string;
  avatar_url: string | null;
  role: string;
  permission: Permission;
}

/** Who may open a document besides its shares. */
export interface Access {
  members: MemberAccess[];
  member_count: number;
  is_public: boolean;
  guests: Permission | null;
  own: Permission;
}

export interface AccessRequest {
  id: string;
  document_id: string;
  user: SharePerson;
  permission: Permission;
  message: string | null;
  created_at: string;
}

/** `token`: needs no password, until `expires_at`. `document_id`: null for a link to many documents. */
export interface OpenedLink {
  token: string;
  document_id: string | null;
  scope: 'document' | 'workspace' | 'tag' | 'category';
  title: string;
  permission: Permission;
  expires_at: string;
}

/** `slug`, `url`: null until the document was public or its page was set up. */
export interface PublicPage {
  document_id: string;
  is_public: boolean;
  slug: string | null;
  url: string | null;
  indexable: boolean;
  live: boolean;
  published_at: string | null;
  row_version: number;
}
