/** What the REST API answers about attachments, as far as the pages read it. */

/** A file of a document. `thumbnail_widths`: the widths that there are of its small picture, in pixels. */
export interface Attachment {
  id: string;
  document_id: string;
  file_name: string;
  content_type: string;
  size_bytes: number;
  url: string;
  /** Good for some minutes without any other credential. */
  signed_url: string;
  /** The same at the content delivery network of the server. */
  cdn_url: string | null;
  thumbnail_url: string | null;
  thumbnail_widths: number[];
  width: number | null;
  height: number | null;
  processing_status: 'pending' | 'processing' | 'complete' | 'failed';
  uploaded_by: { id: string; name: string | null } | null;
  created_at: string;
  row_version: number;
}

/** A file that arrives in parts. `offset`: bytes that have arrived. `attachment`: once all have. */
export interface PartialUpload {
  id: string;
  size_bytes: number;
  offset: number;
  attachment: Attachment | null;
}
