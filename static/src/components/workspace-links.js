/** The section of the settings page with links to many documents of a workspace. */
import { effect } from '@preact/signals';
import { h, render } from 'preact';
import { h as element } from '../lib/dom.js';
import { useCurrentTimes } from './elements.js';
import { section } from './settings.js';
import { newWorkspaceLinkDialog } from './share-link-dialogs.js';
import { Links } from './share-links.js';

/** @import { WorkspaceLinkStore } from '../stores/workspace-links.js' */

/** @param {{ store: WorkspaceLinkStore }} props */
function Content({ store }) {
  useCurrentTimes();
  if (store.problem.value) {
    return h(
      'p',
      { class: 'form-alert', role: 'alert' },
      store.problem.value,
      ' ',
      h('button', { class: 'link', type: 'button', onClick: () => store.load() }, 'Try again'),
    );
  }
  if (!store.loaded.value) return null;
  const list = {
    store,
    make: () => newWorkspaceLinkDialog(store.workspace, store.scopes),
    none: 'No links.',
    scopeOf: store.scopeOf.bind(store),
  };
  return h(Links, { list, heading: false });
}

/** @param {WorkspaceLinkStore} store */
export function linksSection(store) {
  const root = element('div', { class: 'sharing' });
  effect(() => render(h(Content, { store }), root));
  store.load();
  return section(
    'Links',
    'A link to all documents, to those with a tag, or to a category. Whoever has it reads them, without an account.',
    root,
  );
}
