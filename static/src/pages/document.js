/** The editor page. */
import { copyText } from '../components/copy-text.js';
import { renewMenu } from '../components/menu.js';
import { headingOf, isEmpty, plainText } from '../editor/content.js';
import { EditorPlace } from '../editor/editor-place.js';
import { titleWithout } from '../editor/heading.js';
import { keepOpenDocument } from '../editor/kept-document.js';
import { bindLink, linkFor } from '../editor/link.js';
import { Notice } from '../editor/notice.js';
import { bindPeople } from '../editor/presence-panel.js';
import { followRights } from '../editor/rights.js';
import { Session } from '../editor/session.js';
import { edited } from '../editor/session-state.js';
import { words } from '../editor/status-words.js';
import { addressIn, pageOf } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { bring } from '../lib/bring.js';
import { listenForCommands } from '../lib/commands.js';
import { $, debounced, setText } from '../lib/dom.js';
import { keptSettings, readSettings } from '../lib/editor-settings.js';
import { counted, wordCount } from '../lib/format.js';
import { ownIdentity } from '../lib/identity.js';
import { startWorker } from '../lib/offline.js';
import { isId } from '../lib/opened-links.js';
import { pictureAddress } from '../lib/pictures.js';
import { RequestError, messageOf } from '../lib/request.js';
import { bindThemeButton } from '../lib/theme.js';

/** @import { Words } from '../editor/status-words.js' */
/** @import { EditorSettings } from '../lib/editor-settings.js' */

const ANNOUNCE_AFTER = 1200;
const SITE = 'collab_server';

const address = addressIn(location.pathname);
const socketUrl = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
const opened = linkFor(address);
const session = new Session(address, { socketUrl, link: opened?.token });
bindLink(session, opened);
followRights(session);
keepOpenDocument(session);
const notice = new Notice(session, { tryAgain, focusText: () => session.editor?.focus() });
const isNew = location.hash === '#new';
const place = new EditorPlace(session, $('editor'));
let isOpening = false;
/** Whether the person may be somebody who changes titles: not a guest by a link. */
let mayName = opened === null;
let coming = '';
let announced = '';

const announceLater = debounced(ANNOUNCE_AFTER, () => {
  announced = coming;
  setText($('announcer'), coming);
});

/**
 * Tells a screen reader of trouble, and once that all is well, because "saving" and "saved" alternate with every word.
 * @param {string} kind
 * @param {Words} words
 */
function announce(kind, { label, detail }) {
  if (kind === 'saving') return;
  const text = detail ? `${label}. ${detail}` : label;
  if (text === coming) return;
  coming = text;
  if (text !== announced) announceLater();
}

function showStatus() {
  const shown = session.shown;
  const said = words(session.status, shown, session.details?.role);
  document.body.dataset.status = shown.kind;
  if (shown.kind === 'ended') showLoaded();
  document.body.toggleAttribute('data-nothing', shown.kind === 'ended' && isEmpty(session.doc) && !session.loaded);
  setText($('status-label'), said.label);
  $('status').title = said.detail;
  notice.show(shown, said);
  announce(shown.kind, said);
  session.editor?.setReadOnly(edited(session).readOnly);
}

/** @param {string} at an address */
const nameOf = (at) => (isId(at) ? 'Document' : at.split('/').at(-1) || 'Untitled');

/** The title of the document. While none is set it is the first heading, which the server extracts a little later. */
function titleNow() {
  const known = session.details;
  if (!known || known.title_is_set !== false || !session.loaded) return known?.title;
  return headingOf(session.doc) ?? titleWithout(known);
}

function showDetails() {
  const title = $('title', HTMLInputElement);
  const known = titleNow();
  if (document.activeElement !== title) title.value = known ?? nameOf(address);
  title.readOnly = !mayName || !session.details || session.readOnly;
  document.title = `${title.value} · ${SITE}`;
}

function bindTitle() {
  const title = $('title', HTMLInputElement);
  const save = async () => {
    const wanted = title.value.trim();
    if (!session.details || title.readOnly) return;
    const unset = session.details.title_is_set === false;
    if (wanted === titleNow() || (!wanted && unset)) {
      title.value = titleNow() ?? '';
      showDetails();
      return;
    }
    try {
      session.describe(await api.rename(session.details.id, wanted || null));
      title.value = titleNow() ?? '';
      title.removeAttribute('aria-invalid');
      setText($('announcer'), 'Title saved');
    } catch (error) {
      title.setAttribute('aria-invalid', 'true');
      title.title = messageOf(error);
      setText($('announcer'), `The title was not saved. ${title.title}`);
    }
  };
  title.addEventListener('blur', save);
  // A page that is left or closed does not take the focus from the field.
  addEventListener('pagehide', () => {
    if (document.activeElement === title) save();
  });
  title.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.isComposing) {
      event.preventDefault();
      session.editor?.focus();
    } else if (event.key === 'Escape') {
      title.value = titleNow() ?? title.value;
      title.blur();
    }
  });
  title.addEventListener('input', () => {
    document.title = `${title.value} · ${SITE}`;
  });
  title.readOnly = true;
}

function bindWords() {
  const show = () => setText($('words'), counted(wordCount(plainText(session.doc)), 'word'));
  const later = debounced(250, () => {
    show();
    if (session.details?.title_is_set === false) showDetails();
  });
  const observe = () => session.doc.on('update', later);
  observe();
  session.addEventListener('renewed', () => {
    observe();
    later();
  });
  session.addEventListener('synced', show);
}

/** A hidden page's socket may have been closed meanwhile. */
function refreshWhenShown() {
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) session.refresh();
  });
}

function showLoaded() {
  document.body.dataset.loaded = '';
}

async function introduce() {
  const identity = ownIdentity();
  const who = await api.me().catch(() => null);
  const member = who?.kind === 'user' ? who : null;
  const fixedName = member !== null || opened?.named === true;
  if (who && fixedName) identity.name = who.name;
  bindPeople({ session, identity, picture: pictureAddress(who?.avatar_url), fixedName });
  /** @type {() => import('../components/menu.js').Items} */
  let files = () => [];
  let discussion = files;
  let conversion = files;
  const further = () => [...files(), ...conversion(), ...discussion()];
  bring(() => import('../editor/file-tools.js')).then(async ({ bindFiles }) => {
    files = (await bindFiles(session, member)).items;
    renewMenu();
  });
  bring(() => import('../editor/discussion-tools.js')).then(async ({ bindDiscussion }) => {
    discussion = (await bindDiscussion(session, member)).items;
    renewMenu();
  });
  bring(() => import('../editor/conversion.js')).then(({ bindConversion }) => {
    conversion = bindConversion(session, member).items;
    renewMenu();
  });
  if (!member) {
    const { bindGuest } = await bring(() => import('../editor/guest-tools.js'));
    bindGuest(session, further, { isByLink: opened !== null });
    return;
  }
  mayName = true;
  readSettings().then(applySettings, () => {});
  delete document.body.dataset.byLink;
  showDetails();
  bring(() => import('../editor/access-request.js')).then(({ bindAccessRequest }) =>
    bindAccessRequest({ session, notice, tryAgain }),
  );
  const { bindMember } = await bring(() => import('../editor/document-tools.js'));
  bindMember(session, member, further);
}

/** @param {EditorSettings} settings */
function applySettings(settings) {
  document.body.style.setProperty('--text-size', `${settings.fontSize}px`);
  session.editor?.configure?.(settings);
}

/** Opens the document, and shows the editor unless it is refused. */
async function openDocument() {
  if (isOpening) return;
  isOpening = true;
  try {
    await session.open();
  } catch (error) {
    isOpening = false;
    if (!(error instanceof RequestError)) throw error;
    session.closed(4000 + error.status, error.code);
    showLoaded();
    return;
  }
  await place.open();
  isOpening = false;
  $('skip').addEventListener('click', (event) => {
    event.preventDefault();
    session.editor?.focus();
  });
  showStatus();
  if (!isEmpty(session.doc)) showLoaded();
  // Without a server and without a copy the page is empty, and can be written on.
  setTimeout(showLoaded, 4000);
  if (isNew) {
    history.replaceState(null, '', location.pathname);
    const focusTitle = () => {
      $('title').focus();
      $('title', HTMLInputElement).select();
    };
    if (session.details) focusTitle();
    else session.addEventListener('details', focusTitle, { once: true });
  } else if (matchMedia('(pointer: fine)').matches) session.editor?.focus();
}

/** Connects again, or opens the document where it could not be opened yet. */
function tryAgain() {
  if (!session.editor) {
    openDocument();
    return;
  }
  session.connect();
  session.editor.focus();
}

function start() {
  bindThemeButton($('theme'));
  document.body.toggleAttribute('data-by-link', opened !== null);
  applySettings(keptSettings());
  bindTitle();
  showDetails();
  bindWords();
  $('copy-link').addEventListener('click', () =>
    copyText(location.origin + pageOf(address), $('copy-link-label'), 'Link copied'),
  );
  session.addEventListener('status', showStatus);
  session.addEventListener('details', () => {
    showDetails();
    showStatus();
  });
  session.addEventListener('synced', showLoaded);
  setInterval(showStatus, 1000);
  const scrolled = () => document.body.toggleAttribute('data-scrolled', scrollY > 4);
  addEventListener('scroll', scrolled, { passive: true });
  addEventListener('beforeunload', (event) => {
    if (!session.mayLeave) event.preventDefault();
  });
  // The provider waits up to 2.5 s between attempts. The browser may know earlier that it is online.
  addEventListener('online', () => {
    if (session.status.link === 'down') session.connect();
  });

  refreshWhenShown();
  introduce();
  openDocument();
  listenForCommands();
  startWorker();
}

start();
