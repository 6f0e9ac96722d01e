/** The toolbar of rich text. Arrow keys go through it; Alt+F10 leads there, Escape back into the text. */
import { icon } from '../../components/icons.js';
import { bindMenu } from '../../components/menu.js';
import { h, setText } from '../../lib/dom.js';
import { CODE_BLOCK, LISTS, MARKS, QUOTE, RULE, STYLES, TABLE, TABLE_ACTIONS, TEXT, UNDO } from './actions.js';

/** @import { Editor } from '@tiptap/core' */
/** @import { Action } from './actions.js' */

/**
 * @param {Action} action
 * @param {Editor} editor
 */
export function actionButton(action, editor) {
  const { label, key } = action;
  const button = h(
    'button',
    {
      class: 'tool',
      type: 'button',
      tabindex: '-1',
      'aria-label': label,
      title: key ? `${label} (${key})` : label,
      'aria-pressed': action.isOn ? 'false' : null,
      onclick: () => action.act(editor),
    },
    icon(action.icon),
  );
  // A press would take the focus from the text, and on a phone the keyboard away.
  button.addEventListener('pointerdown', (event) => event.preventDefault());
  const show = () => {
    if (action.isOn) button.setAttribute('aria-pressed', String(action.isOn(editor)));
  };
  return { button, show };
}

/**
 * @param {Editor} editor
 * @param {{ addPicture: () => void, addLink: () => void, find: () => void }} acts
 * @returns {{ element: HTMLElement, show: () => void, focus: () => void }}
 */
export function toolbar(editor, { addPicture, addLink, find }) {
  /** @type {(() => void)[]} */
  const shows = [];
  /** @param {Action} action */
  const tool = (action) => {
    const { button, show } = actionButton(action, editor);
    shows.push(show);
    return button;
  };
  const group = (/** @type {string} */ label, /** @type {(Node | null)[]} */ ...tools) =>
    h('div', { class: 'tool-group', role: 'group', 'aria-label': label }, ...tools);
  /**
   * @param {Node[]} content
   * @param {string} label
   * @param {() => import('../../components/menu.js').Items} items
   */
  const menu = (content, label, items) => {
    const button = h('button', { class: 'tool with-menu', type: 'button', tabindex: '-1', title: label }, ...content);
    if (!button.textContent) button.setAttribute('aria-label', label);
    button.append(icon('down'));
    bindMenu(button, items);
    return button;
  };

  const style = h('span', { class: 'tool-style' }, 'Text');
  const styles = menu([style], 'Kind of block', () =>
    STYLES.map((action) => ({
      label: action.label,
      note: action.key,
      checked: action.isOn?.(editor) ?? false,
      // The menu gives the focus back to its button first.
      act: () => action.act(editor),
    })),
  );
  shows.push(() => {
    const found = [CODE_BLOCK, QUOTE, ...STYLES].find(({ isOn }) => isOn?.(editor)) ?? TEXT;
    setText(style, found.label);
    styles.setAttribute('aria-label', `Kind of block: ${found.label}`);
  });
  const table = menu([icon('table')], 'Table', () =>
    TABLE_ACTIONS.map((action) =>
      action === 'line' ? action : { label: action.label, danger: action.danger, act: () => action.act(editor) },
    ),
  );
  const newTable = tool(TABLE);
  shows.push(() => {
    const isInside = editor.isActive('table');
    table.hidden = !isInside;
    newTable.hidden = isInside;
  });
  const more = menu([icon('more')], 'More', () => [
    ...[MARKS.subscript, MARKS.superscript].map(({ label, key, isOn, act }) => ({
      label,
      note: key,
      checked: isOn?.(editor) ?? false,
      act: () => act(editor),
    })),
    'line',
    { label: 'Divider', icon: 'rule', act: () => RULE.act(editor) },
    {
      label: 'Clear formatting',
      icon: 'close',
      act: () => editor.chain().focus().unsetAllMarks().run(),
    },
    { label: 'Find and replace…', note: 'Ctrl+F', icon: 'search', act: find },
  ]);
  more.querySelector('[data-icon="down"]')?.remove();
  const element = h(
    'div',
    { class: 'toolbar', role: 'toolbar', 'aria-label': 'Formatting', 'aria-orientation': 'horizontal' },
    group('Undo', ...UNDO.map(tool)),
    group('Block', styles),
    group('Text', ...[MARKS.bold, MARKS.italic, MARKS.underline, MARKS.strike, MARKS.code, MARKS.highlight].map(tool)),
    group('Lists', ...LISTS.map(tool)),
    group(
      'Insert',
      tool({
        label: 'Link',
        icon: 'link',
        key: 'Ctrl+K',
        isOn: () => editor.isActive('link'),
        act: addLink,
      }),
      tool({ label: 'Picture', icon: 'picture', act: addPicture }),
      newTable,
      table,
    ),
    group('More', more),
  );

  const tools = () =>
    /** @type {HTMLElement[]} */ ([...element.querySelectorAll('.tool')]).filter((each) => !each.hidden);
  let current = 0;
  const show = () => {
    for (const each of shows) each();
    const shown = tools();
    current = Math.min(current, shown.length - 1);
    shown.forEach((each, index) => {
      each.tabIndex = index === current ? 0 : -1;
    });
  };
  element.addEventListener('focusin', ({ target }) => {
    const at = tools().indexOf(/** @type {HTMLElement} */ (target));
    if (at >= 0) current = at;
    show();
  });
  element.addEventListener('keydown', (event) => {
    const shown = tools();
    const step = getComputedStyle(element).direction === 'rtl' ? -1 : 1;
    /** @type {Record<string, number>} */
    const to = { ArrowRight: current + step, ArrowLeft: current - step, Home: 0, End: shown.length - 1 };
    if (event.key in to) shown.at(to[event.key] % shown.length)?.focus();
    else if (event.key === 'Escape') editor.view.focus();
    else return;
    event.preventDefault();
  });
  show();
  return { element, show, focus: () => tools()[current]?.focus() };
}
