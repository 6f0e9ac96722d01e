/** The REST API of files that are attached to documents, one function for each endpoint that a page uses. */
import { request } from './request.js';

/** @import { Progress } from './transfer.js' */
/** @import { Attachment, PartialUpload } from './attachment-types.js' */
/** @import { Page, Query } from './types.js' */

/**
 * How a file is sent. `key`: the same for each attempt.
 * @typedef {{ key: string, clean: boolean, progress: Progress, signal: AbortSignal }} Sending
 */

/** @type {(document: string, query?: Query) => Promise<Page<Attachment>>} */
export const attachments = (document, query) => request(`documents/${document}/attachments`, { query });
/** @type {(id: string) => Promise<Attachment>} */
export const attachment = (id) => request(`attachments/${id}`);
/** @type {(id: string, name: string) => Promise<Attachment>} */
export const renameAttachment = (id, name) =>
  request(`attachments/${id}`, { method: 'PATCH', body: { file_name: name } });
/** @type {(id: string) => Promise<null>} */
export const deleteAttachment = (id) => request(`attachments/${id}`, { method: 'DELETE' });
/** @type {(id: string) => Promise<Attachment>} */
export const restoreAttachment = (id) => request(`attachments/${id}/restore`, { method: 'POST' });

/** @type {(document: string, file: File, name: string, sending: Sending) => Promise<Attachment>} */
export const attach = (document, file, name, { key, clean, progress, signal }) =>
  request(`documents/${document}/attachments`, {
    method: 'POST',
    query: { file_name: name, without_metadata: clean || null },
    headers: { 'Idempotency-Key': key },
    file,
    progress,
    signal,
  });

/** @type {(document: string, file: File, name: string, clean: boolean) => Promise<PartialUpload>} */
export const beginUpload = (document, { size, type }, name, clean) =>
  request(`documents/${document}/uploads`, {
    method: 'POST',
    body: { file_name: name, size_bytes: size, content_type: type || null, without_metadata: clean },
  });
/** @type {(id: string) => Promise<PartialUpload>} */
export const upload = (id) => request(`uploads/${id}`);
/** @type {(id: string, offset: number, part: Blob, sending: Pick<Sending, 'progress' | 'signal'>) => Promise<PartialUpload>} */
export const continueUpload = (id, offset, part, sending) =>
  request(`uploads/${id}`, {
    method: 'PATCH',
    headers: { 'Upload-Offset': String(offset), 'Content-Type': 'application/offset+octet-stream' },
    file: part,
    ...sending,
  });
/** @type {(id: string) => Promise<null>} */
export const giveUpUpload = (id) => request(`uploads/${id}`, { method: 'DELETE' });
