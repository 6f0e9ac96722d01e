/** The rows of the files: those on their way, and those that are there. */
import { h } from 'preact';
import { isPicture, kindOf } from '../lib/file-words.js';
import { sized } from '../lib/format.js';
import { withLink } from '../lib/request.js';
import { share } from '../editor/files.js';
import { Icon, MenuButton, Time } from './elements.js';

/** @import { Files } from '../editor/files.js' */
/** @import { Attachment } from '../lib/attachment-types.js' */
/** @import { Upload } from '../stores/uploads.js' */

/** @param {{ attachment: Attachment }} props */
function Picture({ attachment }) {
  const { thumbnail_url: url, thumbnail_widths: widths, content_type: type, processing_status: status } = attachment;
  const isComing = status === 'pending' || status === 'processing';
  return h(
    'span',
    { class: 'file-picture', 'data-coming': isComing ? '' : undefined },
    url
      ? h('img', {
          src: withLink(`${url}?width=${widths[0] ?? 160}`),
          srcset: widths.map((width) => `${withLink(`${url}?width=${width}`)} ${width}w`).join(', '),
          sizes: '52px',
          alt: '',
          width: 52,
          height: 52,
          loading: 'lazy',
          // A browser would drag it as a file.
          draggable: false,
        })
      : h(Icon, { name: kindOf(type).icon }),
  );
}

/**
 * A name of which the ending stays where there is too little room.
 * @param {string} name
 */
function shortened(name) {
  const [, stem, ending] = /^(.+?.{3})?(.{0,4}\.\w{1,5})$/su.exec(name) ?? [name, name, ''];
  return [h('span', { class: 'file-stem' }, stem), h('span', {}, ending)];
}

/**
 * @param {Attachment} attachment
 * @param {Files} files
 */
function uploader({ uploaded_by: by }, { who }) {
  if (!by) return 'A guest';
  return who && by.id === who.id ? 'You' : (by.name ?? 'Somebody');
}

/** @param {{ attachment: Attachment, files: Files }} props */
export function FileRow({ attachment, files }) {
  const { id, file_name: name, size_bytes: size, url } = attachment;
  const may = files.mayEdit.value && files.intoText;
  return h(
    'li',
    { class: 'file', 'data-file': id },
    h(Picture, { attachment }),
    h(
      'div',
      { class: 'file-text' },
      h(
        'a',
        {
          href: url,
          target: '_blank',
          rel: 'noopener',
          title: name,
          'aria-label': name,
          onClick: (/** @type {Event} */ event) => {
            if (!files.session.link) return;
            event.preventDefault();
            files.show(attachment);
          },
        },
        shortened(name),
      ),
      h(
        'p',
        {},
        h('span', {}, sized(size)),
        h('span', {}, uploader(attachment, files)),
        h(Time, { at: attachment.created_at }),
      ),
    ),
    may &&
      h(
        'button',
        {
          class: 'icon-button file-insert',
          type: 'button',
          'aria-label': `Insert ${name} into the text`,
          title: isPicture(attachment) ? 'Insert the picture into the text' : 'Insert a link into the text',
          onClick: () => files.insert(attachment),
        },
        h(Icon, { name: 'insert' }),
      ),
    h(MenuButton, { label: `Actions for ${name}`, items: () => files.itemsOf(attachment) }),
  );
}

/** @param {Upload} upload what is said about it */
function words(upload) {
  const { state, sent, file, problem } = upload;
  if (state.value === 'refused') return problem.value;
  if (state.value === 'lost') return 'No connection. It goes on by itself.';
  if (state.value === 'waiting') return `Waiting · ${sized(file.size)}`;
  if (sent.value >= file.size) return 'Almost done…';
  return `${share(upload)} of ${sized(file.size)}`;
}

/** @param {{ upload: Upload, files: Files }} props */
export function UploadRow({ upload, files }) {
  const { name, file } = upload;
  const isRefused = upload.state.value === 'refused';
  return h(
    'li',
    { class: 'file uploading', 'data-state': upload.state.value },
    h('span', { class: 'file-picture' }, h(Icon, { name: kindOf(file.type).icon })),
    h(
      'div',
      { class: 'file-text' },
      h('b', { title: name }, shortened(name)),
      !isRefused &&
        h('progress', {
          'aria-label': `Upload of ${name}`,
          max: Math.max(1, file.size),
          value: upload.state.value === 'waiting' ? 0 : upload.sent.value,
        }),
      h('p', {}, words(upload)),
      isRefused &&
        h(
          'button',
          { class: 'button small', type: 'button', onClick: () => files.uploads.retry(upload) },
          h(Icon, { name: 'restore' }),
          'Try again',
        ),
    ),
    h(
      'button',
      {
        class: 'icon-button',
        type: 'button',
        'aria-label': isRefused ? `Leave out ${name}` : `Cancel the upload of ${name}`,
        title: isRefused ? 'Leave out' : 'Cancel',
        onClick: () => files.cancel(upload),
      },
      h(Icon, { name: 'close' }),
    ),
  );
}
