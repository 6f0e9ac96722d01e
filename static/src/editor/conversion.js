/** Conversion of the open document between Markdown and rich text: an entry of its menu, and a line when it is done. */
import { formDialog } from '../components/dialog.js';
import { toast, tryTo } from '../components/toast.js';
import * as api from '../lib/api.js';
import { isConvertible, mayEdit } from '../lib/document-types.js';
import { h } from '../lib/dom.js';
import { kindOf } from './session-state.js';

/** @import { Items } from '../components/menu.js' */
/** @import { CurrentUser } from '../lib/types.js' */
/** @import { Session } from './session.js' */

/** @typedef {'markdown' | 'rich_text'} TextKind */

/** @type {Record<TextKind, string>} */
const NAMES = { markdown: 'Markdown', rich_text: 'rich text' };
/** @type {Record<TextKind, TextKind>} */
const OTHER = { markdown: 'rich_text', rich_text: 'markdown' };
/** What the wanted kind of text does not have. @type {Record<TextKind, string[]>} */
const LOST = {
  rich_text: [
    'Formulas are shown as their source.',
    'A picture gets a line of its own, and loses its link.',
    'Columns of tables are aligned to the left.',
    'Text that is code has no other format.',
  ],
  markdown: [
    'Colours, fonts and the alignment of text are left out.',
    'A merged cell becomes one cell and empty ones beside it.',
    'Empty paragraphs are left out.',
  ],
};

/**
 * @param {Session} session
 * @param {CurrentUser | null} who an account
 * @returns {{ items: () => Items }}
 */
export function bindConversion(session, who) {
  const textKind = () => /** @type {TextKind} */ (kindOf(session) === 'rich' ? 'rich_text' : 'markdown');
  let { generation } = session;
  let kind = textKind();
  /** What the person has asked for. @type {TextKind | null} */
  let wanted = null;

  /** @param {TextKind} to */
  const convert = async (to) => {
    if (!session.details) return;
    wanted = to;
    try {
      await api.convertText(session.details.id, to);
    } catch (error) {
      wanted = null;
      throw error;
    }
  };

  const announce = async () => {
    const isOwn = wanted === kind;
    wanted = null;
    if (isOwn) {
      toast(`This document is ${NAMES[kind]} now.`, {
        verb: 'Undo',
        act: () => tryTo(() => convert(OTHER[kind])),
      });
      return;
    }
    const name = await converterOf(session);
    toast(`${name ? `${name} converted this document` : 'This document was converted'} to ${NAMES[kind]}.`);
  };

  session.addEventListener('synced', () => {
    generation = session.generation;
    kind = textKind();
  });
  session.addEventListener('renewed', () => {
    const before = { generation, kind };
    generation = session.generation;
    kind = textKind();
    if (before.generation !== generation && before.kind !== kind) announce();
  });

  const ask = () => {
    const to = OTHER[textKind()];
    return formDialog({
      title: `Convert to ${NAMES[to]}?`,
      intro:
        `Everybody edits this document as ${NAMES[to]} from then on. Its text, authors, comments and history stay. ` +
        `${NAMES[to][0].toUpperCase()}${NAMES[to].slice(1)} does not have everything:`,
      fields: [h('ul', { class: 'dialog-points' }, ...LOST[to].map((line) => h('li', {}, line)))],
      verb: 'Convert',
      act: () => convert(to),
    });
  };

  return {
    items() {
      const { details, proposal, status } = session;
      const isPossible = details && mayEdit(details) && isConvertible(details) && !proposal && status.link === 'up';
      if (!isPossible) return [];
      return [{ label: `Convert to ${NAMES[OTHER[textKind()]]}…`, icon: 'document', act: ask }];
    },
  };

  /**
   * Who has converted the document, according to the version before that. null: this is not known any more.
   * @param {Session} of
   */
  async function converterOf({ details }) {
    if (!details) return null;
    const [found, now] = await Promise.all([
      api.versions(details.id, { limit: 1 }).catch(() => null),
      api.document(details.id).catch(() => null),
    ]);
    const last = found?.items[0];
    if (last?.kind !== 'conversion' || !now?.updated_by || last.created_by !== now.updated_by.id) return null;
    return last.created_by === who?.id ? 'You' : now.updated_by.name;
  }
}
