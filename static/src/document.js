/** The editor page. */
import { addressIn, pageOf, signInPage } from './addresses.js';
import * as api from './api.js';
import { $, debounced, h, setText } from './dom.js';
import { createEditor } from './editor.js';
import { firstHeading, titleWithout } from './heading.js';
import { memory, ownIdentity } from './identity.js';
import { bindPeople } from './people.js';
import { counted, wordCount } from './prose.js';
import { Session } from './session.js';
import { bindThemeButton } from './theme.js';
import { mayRetry, readable, signInHelps, words } from './status.js';

const NOTICED = new Set(['offline', 'busy', 'refused', 'delayed', 'ended']);
const ANNOUNCE_AFTER = 1200;
const SITE = 'collab_server';

const address = addressIn(location.pathname);
const socketUrl = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
const session = new Session(address, { socketUrl });
const isNew = location.hash === '#new';
let editor = null;
let dismissed = '';
let coming = '';
let announced = '';

const announceLater = debounced(ANNOUNCE_AFTER, () => {
  announced = coming;
  setText($('announcer'), coming);
});

/** Saving and saved alternate with every word; a listener is told once that all is well, and of each trouble. */
function announce(kind, { label, detail }) {
  if (kind === 'saving') return;
  const text = detail ? `${label}. ${detail}` : label;
  if (text === coming) return;
  coming = text;
  if (text !== announced) announceLater();
}

async function copyText(text, button, done) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = done;
  } catch {
    button.textContent = 'Could not copy';
  }
  setText($('announcer'), button.textContent);
  setTimeout(() => { button.textContent = before; }, 2000);
}

function noticeActions({ kind, code, reason }) {
  const copy = h('button', { class: 'button', type: 'button' }, 'Copy text');
  copy.addEventListener('click', () => copyText(session.text.toString(), copy, 'Copied'));
  const actions = [];
  if (kind === 'ended') {
    if (session.text.length > 0) actions.push(copy);
    if (signInHelps({ code, reason })) actions.push(h('a', { class: 'button primary', href: signInPage() }, 'Sign in'));
    else if (code === 4409) {
      actions.push(h('button', {
        class: 'button',
        type: 'button',
        onclick: async () => {
          await session.discardCopy();
          location.reload();
        },
      }, 'Load the current version'));
    } else if (readable({ reason })) actions.push(h('a', { class: 'button primary', href: api.readingPage(session.details?.id) }, 'Read it'));
    else if (mayRetry({ reason })) actions.push(h('button', { class: 'button', type: 'button', onclick: () => location.reload() }, 'Try again'));
    actions.push(h('a', { class: 'button', href: '/' }, 'All documents'));
  } else if (kind === 'refused' || kind === 'viewonly') actions.push(copy);
  return actions;
}

function showNotice(shown, { label, detail }) {
  const notice = $('notice');
  const wanted = NOTICED.has(shown.kind) || (shown.kind === 'viewonly' && shown.unsaved);
  const key = wanted ? `${shown.kind} ${shown.code} ${detail}` : '';
  if (!wanted) dismissed = '';
  notice.hidden = !wanted || dismissed === shown.kind;
  if (!wanted || notice.dataset.key === key) return;
  notice.dataset.key = key;
  notice.dataset.kind = shown.kind;
  setText($('notice-title'), label);
  setText($('notice-text'), detail);
  $('notice-actions').replaceChildren(...noticeActions(shown));
  $('notice-close').hidden = shown.kind === 'ended';
}

function showStatus() {
  const shown = session.shown;
  const said = words(session.status, shown);
  document.body.dataset.status = shown.kind;
  if (shown.kind === 'ended') showLoaded();
  setText($('status-label'), said.label);
  $('status').title = said.detail;
  showNotice(shown, said);
  announce(shown.kind, said);
  editor?.setReadOnly(session.readOnly);
}

/** What the document is called now: until somebody sets a title, the first heading, which the server has a little later. */
function titleNow() {
  const known = session.details;
  if (!known || known.title_is_set !== false || !session.loaded) return known?.title;
  return firstHeading(session.text.toString()) ?? titleWithout(known);
}

function showDetails() {
  const title = $('title');
  const known = titleNow();
  if (document.activeElement !== title) title.value = known ?? (address.split('/').at(-1) || 'Untitled');
  title.readOnly = !session.details || session.readOnly;
  document.title = `${title.value} · ${SITE}`;
}

function bindTitle() {
  const title = $('title');
  const save = async () => {
    const wanted = title.value.trim();
    if (!session.details || title.readOnly) return;
    const unset = session.details.title_is_set === false;
    if (wanted === titleNow() || (!wanted && unset)) {
      title.value = titleNow();
      showDetails();
      return;
    }
    try {
      await session.rename(wanted || null);
      title.value = titleNow();
      title.removeAttribute('aria-invalid');
      setText($('announcer'), 'Title saved');
    } catch (error) {
      title.setAttribute('aria-invalid', 'true');
      title.title = error.message;
      setText($('announcer'), `The title was not saved. ${error.message}`);
    }
  };
  title.addEventListener('blur', save);
  title.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.isComposing) {
      event.preventDefault();
      editor?.view.focus();
    } else if (event.key === 'Escape') {
      title.value = titleNow() ?? title.value;
      title.blur();
    }
  });
  title.addEventListener('input', () => { document.title = `${title.value} · ${SITE}`; });
  title.readOnly = true;
}

function bindWords() {
  const show = () => setText($('words'), counted(wordCount(session.text.toString()), 'word'));
  const later = debounced(250, () => {
    show();
    if (session.details?.title_is_set === false) showDetails();
  });
  session.text.observe(later);
  session.addEventListener('synced', show);
}

function bindRenames() {
  let seen = 0;
  session.awareness.on('change', ({ added, updated }) => {
    const titles = [...added, ...updated]
      .filter((client) => client !== session.doc.clientID)
      .map((client) => session.awareness.getStates().get(client)?.renamed ?? 0);
    const newest = Math.max(0, ...titles.filter(Number.isFinite));
    if (newest <= seen) return;
    seen = newest;
    session.refresh();
  });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) session.refresh(); });
}

function showLoaded() {
  document.body.dataset.loaded = '';
}

async function introduce() {
  const identity = ownIdentity();
  const who = await api.me().catch(() => null);
  const fixedName = who?.kind === 'user';
  if (fixedName) identity.name = who.name;
  bindPeople({ awareness: session.awareness, identity, fixedName });
  if (!fixedName) return;
  const [{ bindMember }, { listenForQuick }] = await Promise.all([import('./document-member.js'), import('./quick.js')]);
  bindMember(session);
  listenForQuick();
}

async function start() {
  bindThemeButton($('theme'));
  bindTitle();
  showDetails();
  bindWords();
  $('copy-link').addEventListener('click', () => copyText(location.origin + pageOf(address), $('copy-link-label'), 'Link copied'));
  $('notice-close').addEventListener('click', () => {
    dismissed = session.shown.kind;
    $('notice').hidden = true;
    editor?.view.focus();
  });
  session.addEventListener('status', showStatus);
  session.addEventListener('details', () => {
    showDetails();
    showStatus();
  });
  session.addEventListener('synced', showLoaded);
  setInterval(showStatus, 1000);
  const scrolled = () => document.body.toggleAttribute('data-scrolled', scrollY > 4);
  addEventListener('scroll', scrolled, { passive: true });
  addEventListener('beforeunload', (event) => { if (!session.mayLeave) event.preventDefault(); });
  // The provider waits up to 2.5 s between attempts; the browser may know earlier that the network is back.
  addEventListener('online', () => { if (session.status.link === 'down') session.connect(); });

  bindRenames();
  introduce();
  try {
    await session.open();
  } catch (error) {
    session.closed(4000 + error.status, error.code);
    showLoaded();
    return;
  }
  editor = createEditor({
    parent: $('editor'), text: session.text, awareness: session.awareness, readOnly: session.readOnly, language: memory.get('language'),
  });
  $('skip').addEventListener('click', (event) => {
    event.preventDefault();
    editor.view.focus();
  });
  showStatus();
  if (session.text.length > 0) showLoaded();
  // Without a server and without a copy there is nothing to wait for: an empty page can be written on.
  setTimeout(showLoaded, 4000);
  if (isNew) {
    history.replaceState(null, '', location.pathname);
    const focusTitle = () => {
      $('title').focus();
      $('title').select();
    };
    if (session.details) focusTitle();
    else session.addEventListener('details', focusTitle, { once: true });
  } else if (matchMedia('(pointer: fine)').matches) editor.view.focus();
}

start();
