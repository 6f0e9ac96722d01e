/** What people do with comments on the page. */
import { uuidv4 } from 'lib0/random';
import * as api from '../lib/comments-api.js';
import { pageOf } from '../lib/addresses.js';
import { workspaces } from '../lib/api.js';
import { confirmDialog, copied } from './dialog.js';
import { inviteDialog } from './invite-dialog.js';
import { toast, tryTo } from './toast.js';

/** @import { Items } from './menu.js' */
/** @import { Comment, CommentAuthor } from '../lib/discussion-types.js' */
/** @import { CurrentUser, Doc } from '../lib/types.js' */
/** @import { relativeRange } from '../lib/relative-positions.js' */
/** @import { CommentStore, Thread } from '../stores/comments.js' */

/** @typedef {ReturnType<typeof relativeRange>} Range */

const COMMENTERS = new Set(['commenter', 'editor', 'admin']);
const EDITORS = new Set(['editor', 'admin']);
/** The emoji that are offered first. */
export const EMOJI = ['👍', '❤️', '🎉', '😄', '🤔', '👀', '✅', '🙏'];

/**
 * Whether a role may comment.
 * @param {Doc | null} doc
 */
export const mayComment = (doc) => COMMENTERS.has(doc?.role ?? '');

export class CommentActions {
  /**
   * @param {object} options
   * @param {() => Doc} options.doc
   * @param {CurrentUser | null} options.who an account; null for everybody else
   * @param {CommentStore} options.store
   * @param {string} options.address
   * @param {(author: CommentAuthor) => string} options.colourOf
   * @param {() => Range | null} options.selected where the selected text is
   */
  constructor({ doc, who, store, address, colourOf, selected }) {
    this.selected = selected;
    this.colourOf = colourOf;
    this.doc = doc;
    this.who = who;
    this.store = store;
    this.address = address;
    /** The comment that was sent last, until it is answered. */
    this.tried = /** @type {{ said: string, id: string } | null} */ (null);
    this.people = async (/** @type {string} */ q) => (await api.mentionable(this.doc().id, q)).items;
  }

  get mayComment() {
    return mayComment(this.doc());
  }

  get mayEdit() {
    return EDITORS.has(this.doc().role ?? '');
  }

  get mayReact() {
    return this.mayComment && this.who !== null;
  }

  /** @param {{ author: CommentAuthor }} written */
  isOwn({ author }) {
    return this.who !== null && author.id === this.who.id;
  }

  /** @param {Thread} thread */
  mayResolve({ root }) {
    return this.mayComment && (this.mayEdit || this.isOwn(root));
  }

  /**
   * @param {string} content
   * @param {{ parent_id?: string, anchor?: object }} [place]
   */
  async add(content, place = {}) {
    const said = JSON.stringify([content, place]);
    // The answer to a failed request may have been lost: the same comment again is not made twice.
    if (this.tried?.said !== said) this.tried = { said, id: uuidv4() };
    const made = await api.createComment(this.doc().id, { id: this.tried.id, content, ...place });
    this.tried = null;
    this.store.put(made);
    return made;
  }

  /**
   * @param {Comment} comment
   * @param {string} content
   */
  async change(comment, content) {
    if (content !== comment.content) this.store.put(await api.changeComment(comment.id, { content }));
  }

  /**
   * @param {Thread} thread
   * @param {boolean} resolved
   */
  async resolve({ id }, resolved) {
    const changed = await tryTo(() => api.resolveComment(id, resolved));
    if (changed) this.store.put(changed);
    return changed !== undefined;
  }

  /**
   * @param {Comment} comment
   * @param {string} emoji
   */
  async react(comment, emoji) {
    const wanted = !comment.reactions.some((each) => each.emoji === emoji && each.mine);
    await tryTo(async () => {
      await api.react(comment.id, emoji, wanted);
      this.store.put(await api.comment(comment.id));
    });
  }

  /**
   * @param {Comment} comment
   * @param {boolean} hasReplies
   */
  remove(comment, hasReplies) {
    return confirmDialog({
      title: 'Delete this comment?',
      text: hasReplies
        ? 'Its replies stay. The text of the comment is gone for everybody.'
        : 'It is gone for everybody.',
      verb: 'Delete',
      act: async () => {
        await api.deleteComment(comment.id);
        await this.store.load();
      },
    });
  }

  /**
   * Puts a thread on other text.
   * @param {Comment} comment its first one
   * @param {Range} anchor
   */
  async move(comment, anchor) {
    const changed = await tryTo(() => api.changeComment(comment.id, { anchor }));
    if (changed) this.store.put(changed);
  }

  /** Invites people to the workspace of the document, so that they can be mentioned. */
  async invite() {
    const { items } = await workspaces();
    const workspace = items.find(({ id }) => id === this.doc().workspace_id);
    if (workspace?.permissions?.includes('can_invite_members')) await inviteDialog(workspace);
    else toast('Ask an administrator of the workspace to invite them.');
  }

  /** @param {Comment} comment */
  linkTo({ id }) {
    return `${location.origin}${pageOf(this.address)}#comment-${id}`;
  }

  /** @param {Comment} comment */
  async copyLink(comment) {
    toast((await copied(this.linkTo(comment))) ? 'Link copied' : 'The link could not be copied.');
  }

  /**
   * The entries of a comment's menu.
   * @param {Comment} comment
   * @param {{ edit: () => void, hasReplies: boolean }} options
   * @returns {Items}
   */
  menuOf(comment, { edit, hasReplies }) {
    const selected = this.selected();
    return [
      this.isOwn(comment) && { label: 'Edit', icon: 'pencil', act: edit },
      { label: 'Copy link', icon: 'link', act: () => this.copyLink(comment) },
      comment.parent_id === null &&
        (this.isOwn(comment) || this.mayEdit) &&
        selected && { label: 'Move to the selected text', icon: 'move', act: () => this.move(comment, selected) },
      (this.isOwn(comment) || this.mayEdit) && {
        label: 'Delete',
        icon: 'trash',
        danger: true,
        act: () => this.remove(comment, hasReplies),
      },
    ];
  }
}
