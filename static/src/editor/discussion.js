/** Comments and suggestions of the open document: what is chosen, what is marked, what is shown in panel and margin. */
import { batch, effect, signal } from '@preact/signals';
import * as api from '../lib/comments-api.js';
import { $, find, setText } from '../lib/dom.js';
import { CommentActions } from '../components/comment-actions.js';
import { tryTo } from '../components/toast.js';
import { CommentStore } from '../stores/comments.js';
import { SuggestionStore } from '../stores/suggestions.js';
import { followText } from './comment-follow.js';
import { colourOfAuthors } from './comment-colours.js';
import { drawDiscussion } from './discussion-view.js';
import { saved } from './session-state.js';

/** @import { Suggestion } from '../lib/discussion-types.js' */
/** @import { ChangeEvent, CurrentUser } from '../lib/types.js' */
/** @import { Filter } from '../stores/comments.js' */
/** @import { Anchored, Chosen, Place, TextMarks } from './editor-types.js' */
/** @import { Session } from './session.js' */

const wide = matchMedia('(min-width: 1240px)');
/** Whether there is room beside the text. A preview takes it. */
const hasMargin = () => wide.matches && (document.body.dataset.view ?? 'write') === 'write';
const LINK = /^#comment-([0-9a-f-]{36})$/i;

export class Discussion {
  /**
   * @param {Session} session
   * @param {CurrentUser | null} who an account; null for everybody else
   */
  constructor(session, who) {
    const { details } = session;
    if (!details) throw new Error('the document is not known yet');
    this.session = session;
    this.store = new CommentStore({ document: details.id, user: who?.id ?? null });
    this.suggestions = new SuggestionStore({ document: details.id });
    this.actions = new CommentActions({
      doc: () => session.details ?? details,
      who,
      store: this.store,
      address: session.address,
      colourOf: colourOfAuthors(session),
      selected: () => this.selected(),
    });
    this.active = signal('');
    this.filter = signal(/** @type {Filter} */ ('open'));
    this.draft = signal(/** @type {Chosen | null} */ (null));
    this.isOpen = signal(false);
    this.isWide = signal(hasMargin());
    /** How often text may have moved. */
    this.moved = signal(0);
    /** The threads and suggestions with a text, in its order. */
    this.inMargin = signal(/** @type {string[]} */ ([]));
    this.marks = /** @type {TextMarks | null} */ (null);
    /** What differs in the text that somebody types a suggestion into. */
    this.typed = /** @type {Place[]} */ ([]);
    this.before = /** @type {Element | null} */ (null);
    this.follow = followText(this);
    this.bind();
  }

  bind() {
    const { session } = this;
    const look = () => {
      this.isWide.value = hasMargin();
    };
    wide.addEventListener('change', look);
    session.addEventListener('view', look);
    session.addEventListener('live', (event) => {
      const change = /** @type {CustomEvent<ChangeEvent | null>} */ (event).detail;
      for (const store of [this.store, this.suggestions]) {
        if (change) store.apply(change);
        else store.resync();
      }
    });
    session.addEventListener('renewing', () => {
      this.marks = null;
    });
    session.addEventListener('renewed', () => {
      this.attach();
      this.store.resync();
      this.suggestions.resync();
    });
    effect(() => this.mark());
    drawDiscussion(this);
  }

  /** Marks texts in the editor of the session, which may be a new one. */
  attach() {
    const { editor } = this.session;
    if (!editor?.annotate) return;
    this.marks = editor.annotate({
      chosen: (keys) => this.choose(keys[(keys.indexOf(this.active.value) + 1) % keys.length], { reveal: false }),
      changed: () => this.follow(),
      comment: () => this.begin(),
      step: (step) => {
        this.step(step);
        return true;
      },
    });
    this.mark();
  }

  async load() {
    await this.reload();
    this.openLinked();
    addEventListener('hashchange', () => this.openLinked());
  }

  reload() {
    return Promise.all([this.store.load(), this.suggestions.load()]);
  }

  /** Shows the comment that the page's address names. */
  openLinked() {
    const id = LINK.exec(location.hash)?.[1];
    const comment = id && this.store.comments.value.get(id);
    if (!comment) return;
    const thread = this.store.threads.value.find(({ id: each }) => each === comment.thread_id);
    this.filter.value = thread?.root.resolved ? 'resolved' : 'open';
    if (!this.isWide.value || !this.marks?.placeOf(comment.thread_id)) this.open();
    this.choose(comment.thread_id);
    this.focusThread(comment.thread_id);
    const shown = find(document, `[data-comment="${CSS.escape(comment.id)}"]`);
    shown?.classList.add('linked');
    shown?.scrollIntoView({ block: 'nearest' });
  }

  // ---- marks

  /** Marks the texts of open threads and suggestions. */
  mark() {
    const draft = this.draft.value;
    const active = this.active.value;
    const threads = this.store.open.value;
    const proposed = this.suggestions.open.value;
    if (!this.marks) return;
    /** @type {Anchored[]} */
    const anchored = threads.flatMap(({ id, root: { anchor } }) =>
      anchor?.relative_start && anchor.relative_end
        ? [{ key: id, kind: 'comment', start: anchor.relative_start, end: anchor.relative_end }]
        : [],
    );
    for (const { id, hunks } of this.session.proposal ? [] : proposed) {
      for (const { status, stale, relative_start: start, relative_end: end, inserted } of hunks)
        if (status === 'open' && !stale && start && end)
          anchored.push({ key: id, kind: 'suggestion', start, end, inserted });
    }
    if (draft) anchored.push({ key: 'draft', kind: 'draft', start: draft.relative_start, end: draft.relative_end });
    // The effect that calls this may run within an update of the editor.
    queueMicrotask(() => {
      this.marks?.show(anchored, this.typed);
      this.marks?.activate(active);
      this.follow();
    });
  }

  // ---- what is chosen

  /**
   * @param {string} key of a thread or a suggestion; '': none
   * @param {{ reveal?: boolean }} [options] whether its text is scrolled to
   */
  choose(key, { reveal = true } = {}) {
    batch(() => {
      this.active.value = key;
      if (key && !this.isOpen.value && !(this.isWide.value && this.marks?.placeOf(key))) this.open();
    });
    if (key && reveal) this.marks?.scrollTo(key);
  }

  /** @param {string} key */
  focusThread(key) {
    // Drawn by the effects of the choice.
    queueMicrotask(() => {
      const card = find(document, `[data-thread="${CSS.escape(key)}"], [data-suggestion="${CSS.escape(key)}"]`);
      card?.focus({ preventScroll: true });
    });
  }

  /** @param {string} key */
  handlersOf(key) {
    return {
      choose: () => this.choose(key),
      step: (/** @type {1 | -1} */ step) => this.step(step, key),
      leave: () => {
        this.active.value = '';
        this.session.editor?.focus();
      },
    };
  }

  /**
   * Goes to the next or the previous thread.
   * @param {1 | -1} step
   * @param {string} [from] by default the chosen one
   */
  step(step, from = this.active.value) {
    const keys = this.isOpen.value
      ? [...this.suggestions.open.value.map(({ id }) => id), ...this.store.find(this.filter.value).map(({ id }) => id)]
      : this.inMargin.value.filter((key) => key !== 'draft');
    if (keys.length === 0) {
      this.open();
      return;
    }
    const at = keys.indexOf(from);
    const next = keys[at < 0 ? (step > 0 ? 0 : keys.length - 1) : (at + step + keys.length) % keys.length];
    this.choose(next);
    this.focusThread(next);
  }

  // ---- new comments

  /** Where the selected text is; null where none is selected. */
  selected() {
    const chosen = this.session.editor?.chosen();
    return chosen ? { relative_start: chosen.relative_start, relative_end: chosen.relative_end } : null;
  }

  /** Begins a comment about the selected text. */
  begin() {
    const { editor } = this.session;
    if (!editor || !this.actions.mayComment) return false;
    const chosen = editor.chosen();
    if (!chosen || !this.isWide.value) this.open();
    if (!chosen) return true;
    this.active.value = '';
    this.draft.value = chosen;
    return true;
  }

  /** @param {string} content */
  async submitDraft(content) {
    const { value: draft } = this.draft;
    if (!draft) return;
    await saved(this.session);
    const { relative_start, relative_end } = draft;
    const made = await this.actions.add(content, { anchor: { relative_start, relative_end } });
    batch(() => {
      this.draft.value = null;
      this.active.value = made.thread_id;
    });
    setText($('announcer'), 'Comment added');
  }

  dropDraft() {
    this.draft.value = null;
    this.session.editor?.focus();
  }

  /** @param {string} content */
  async add(content) {
    const made = await this.actions.add(content);
    this.filter.value = 'open';
    this.active.value = made.thread_id;
    setText($('announcer'), 'Comment added');
  }

  // ---- suggestions

  /**
   * @param {Suggestion} suggestion
   * @param {'accept' | 'reject' | 'withdraw'} how
   */
  async decide({ id }, how) {
    const decided = await tryTo(async () => {
      await saved(this.session);
      if (how === 'withdraw') await api.withdrawSuggestion(id);
      else await api.decideSuggestion(id, how === 'accept');
      return true;
    });
    if (decided) setText($('announcer'), how === 'accept' ? 'Suggestion accepted' : 'Suggestion closed');
    await this.suggestions.load();
  }

  // ---- panel and margin

  open() {
    if (!this.isOpen.value) this.before = document.activeElement;
    this.isOpen.value = true;
  }

  close() {
    batch(() => {
      this.isOpen.value = false;
      if (!this.isWide.value) this.draft.value = null;
    });
    if (this.before instanceof HTMLElement && this.before.isConnected) this.before.focus();
  }

  toggle() {
    if (this.isOpen.value) this.close();
    else this.open();
  }
}
