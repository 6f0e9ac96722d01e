/** How the page shows code blocks: with their language. */
import { h } from '../../../lib/dom.js';
import { LANGUAGES, languageOf } from '../languages.js';

/** @import { NodeViewRenderer } from '@tiptap/core' */
/** @import { Node } from '@tiptap/pm/model' */

/** @type {NodeViewRenderer} */
export const codeBlock = ({ node, editor, getPos }) => {
  let shown = node;
  const code = h('code', {});
  const choice = h('select', { class: 'code-language', 'aria-label': 'Language of the code' });
  const bar = h('div', { class: 'code-bar', contenteditable: 'false' }, choice);
  const dom = h('div', { class: 'code-block' }, bar, h('pre', { spellcheck: 'false', dir: 'ltr' }, code));
  const show = () => {
    const { language } = shown.attrs;
    const known = languageOf(language);
    const entries = LANGUAGES.some(([name]) => name === known) ? LANGUAGES : [...LANGUAGES, [known, String(language)]];
    choice.replaceChildren(
      ...entries.map(([value, label]) => h('option', { value, selected: value === known }, label)),
    );
    choice.disabled = !editor.isEditable;
  };
  choice.addEventListener('change', () => {
    const at = getPos();
    if (at === undefined || !editor.isEditable) return;
    editor.view.dispatch(editor.state.tr.setNodeAttribute(at, 'language', choice.value || null));
    editor.view.focus();
  });
  choice.addEventListener('focus', () => {
    choice.disabled = !editor.isEditable;
  });
  show();
  return {
    dom,
    contentDOM: code,
    update(/** @type {Node} */ next) {
      if (next.type !== shown.type) return false;
      const isOther = next.attrs.language !== shown.attrs.language;
      shown = next;
      if (isOther) show();
      return true;
    },
    stopEvent: (event) => event.target instanceof globalThis.Node && bar.contains(event.target),
    ignoreMutation: (mutation) => mutation.type !== 'selection' && !code.contains(mutation.target),
  };
};
