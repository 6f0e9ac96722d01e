/** The HTML pages: one template, and for each page its texts and its content (src/pages/<content>.html). */
import { readFile } from 'node:fs/promises';

const SITE = 'collab_server';
const JAVASCRIPT_NEEDED = 'This page needs JavaScript.';

/**
 * @typedef {object} Page
 * @property {string} title
 * @property {string} content the file with the content of the body between header and footer
 * @property {string} [bar] the file with the content of the header, where it is not the brand
 * @property {string} [barLink] HTML before the theme button
 * @property {string} body the attributes of <body>
 * @property {{id?: string, href: string, text: string}} [skip] the link that leads past the header
 * @property {string} [viewport] more for the viewport's meta element
 * @property {string} [description]
 * @property {string} [referrer] the policy for addresses of this page that requests tell
 * @property {string} [noscript] HTML; '' for a page that works without JavaScript
 */

const SETTINGS = {
  content: 'settings',
  body: 'class="plain-page settings-page" data-state="loading"',
  skip: { href: '#main', text: 'Skip to the content' },
};
const CARD = { content: 'card', body: 'class="plain-page card-page" data-state="loading"' };

/** @type {Record<string, Page>} Keys: the names of the entries in src/pages. */
export const PAGES = {
  index: {
    title: 'Documents',
    description: 'Documents you can write together, at the same time.',
    content: 'index',
    body: 'class="list-page" data-state="loading"',
    skip: { href: '#documents', text: 'Skip to documents' },
  },
  document: {
    title: 'Document',
    viewport: ', interactive-widget=resizes-content',
    content: 'document',
    bar: 'document-bar',
    body: 'class="document-page" data-status="connecting"',
    skip: { id: 'skip', href: '#editor', text: 'Skip to the text' },
  },
  signin: { title: 'Sign in', ...CARD },
  invite: { title: 'Invitation', ...CARD },
  // Its address holds the token of a link.
  share: { title: 'Shared document', ...CARD, referrer: 'no-referrer' },
  account: { title: 'Your account', ...SETTINGS },
  workspace: { title: 'Workspace', ...SETTINGS },
  admin: { title: 'Administration', ...SETTINGS },
  docs: {
    title: 'API',
    content: 'docs',
    barLink: '<a class="button quiet" href="/api/v1/openapi.json">openapi.json</a>',
    body: 'class="docs-page"',
    skip: { href: '#operations', text: 'Skip to the operations' },
    noscript: `${JAVASCRIPT_NEEDED.slice(0, -1)}; <a href="/api/v1/openapi.json">openapi.json</a> does not.`,
  },
  missing: { title: 'Page not found', content: 'missing', body: 'class="plain-page card-page"', noscript: '' },
  // Shown by the service worker in the place of pages that it does not keep.
  offline: { title: 'No connection', content: 'offline', body: 'class="plain-page card-page"', noscript: '' },
};

/**
 * Puts `values` into the places `{{name}}` of a text. A line that holds nothing but empty places is left out.
 * @param {string} text
 * @param {Record<string, string>} values
 */
function fill(text, values) {
  return text
    .split('\n')
    .map((line) => {
      const filled = line.replace(/\{\{(\w+)\}\}/g, (_, name) => {
        if (!(name in values)) throw new Error(`the template has no value for ${name}`);
        return values[name];
      });
      return filled.trim() === '' && line.trim() !== '' ? null : filled;
    })
    .filter((line) => line !== null)
    .join('\n');
}

/**
 * @param {string} name a key of PAGES
 * @param {string} folder with the template and the contents
 * @param {{ addresses: Record<string, string>, build: string }} built the addresses of scripts and styles, by their names, and
 *   the id of the build
 * @returns {Promise<string>} the page's HTML
 */
export async function renderPage(name, folder, { addresses, build }) {
  const page = PAGES[name];
  const read = async (/** @type {string} */ file) => (await readFile(`${folder}/${file}.html`, 'utf8')).trimEnd();
  const themeButton = await read('theme-button');
  const { skip, noscript = JAVASCRIPT_NEEDED } = page;
  const values = {
    title: `${page.title} · ${SITE}`,
    site: SITE,
    build,
    style: addresses['page.css'],
    early: addresses['early.js'],
    script: addresses[`${name}.js`],
    viewport: page.viewport ?? '',
    description: page.description ? `<meta name="description" content="${page.description}">` : '',
    referrer: page.referrer ? `<meta name="referrer" content="${page.referrer}">` : '',
    body: page.body,
    skip: skip ? `<a class="skip"${skip.id ? ` id="${skip.id}"` : ''} href="${skip.href}">${skip.text}</a>` : '',
    bar: fill(await read(page.bar ?? 'bar'), { site: SITE, themeButton, barLink: page.barLink ?? '' }),
    content: fill(await read(page.content), { heading: page.title }),
    noscript: noscript && `<noscript><p class="problem">${noscript}</p></noscript>`,
  };
  return `${fill(await read('template'), values)}\n`;
}
