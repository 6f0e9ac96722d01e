/** The part of the share dialog that publishes a document as a page. */
import { h } from 'preact';
import { formDialog } from './dialog.js';
import { Switch } from './elements.js';
import { CopyButton } from './share-copy.js';
import { tryTo } from './toast.js';

/** @import { PublicPage } from '../lib/share-types.js' */
/** @import { Sharing } from './share-dialog.js' */

/** @param {{ page: PublicPage, sharing: Sharing }} props */
function Settings({ page, sharing: { publication, publishes } }) {
  const change = async (/** @type {object} */ wanted) => {
    // A switch that the server has refused goes back.
    if (!(await tryTo(() => publication.change(wanted).then(() => true)))) await publication.load();
  };
  const changeAddress = () =>
    formDialog({
      title: 'Address of the page',
      intro: 'The former address leads to the new one.',
      fields: [
        {
          name: 'slug',
          label: 'Last part of the address',
          value: page.slug,
          required: true,
          maxlength: 100,
          autocomplete: 'off',
          spellcheck: 'false',
          hint: 'Letters and digits, with single hyphens between them.',
        },
      ],
      verb: 'Save',
      act: ({ slug }) => publication.change({ slug }).then(() => true),
    });
  return [
    h(
      'div',
      { class: 'publish-settings' },
      h(CopyButton, { text: page.url ?? '', label: 'Copy public link', look: 'small' }),
      publishes &&
        h('button', { class: 'button small', type: 'button', onClick: changeAddress }, 'Change the address…'),
    ),
    publishes &&
      h(
        'div',
        { class: 'publish-settings' },
        h(Switch, {
          label: 'Search engines may list it',
          checked: page.indexable,
          change: (indexable) => change({ indexable }),
        }),
        h(Switch, { label: 'Readers see edits at once', checked: page.live, change: (live) => change({ live }) }),
      ),
  ];
}

/** @param {{ sharing: Sharing }} props */
export function Publish({ sharing }) {
  const { publication, publishes, store } = sharing;
  const page = publication.page.value;
  if (!page || (!publishes && !page.is_public)) return null;
  const publish = async (/** @type {boolean} */ wanted) => {
    if (!(await tryTo(() => publication.publish(wanted).then(() => true)))) await publication.load();
    if (!store.refused.value) await store.load();
  };
  return h(
    'section',
    {},
    h(
      'div',
      { class: 'share-head' },
      h('h3', {}, 'Public page'),
      publishes && h(Switch, { label: 'Publish', checked: page.is_public, change: publish }),
    ),
    page.is_public && page.url
      ? [
          h(
            'p',
            { key: 'why', class: 'share-why' },
            'Everybody can read the document at ',
            h('a', { class: 'link', href: page.url, target: '_blank', rel: 'noopener' }, page.url),
          ),
          h(Settings, { key: 'settings', page, sharing }),
        ]
      : h('p', { class: 'share-why' }, 'A published document is a page that everybody can read, without an account.'),
  );
}
