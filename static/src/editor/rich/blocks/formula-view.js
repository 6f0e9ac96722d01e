/** How the page shows formulas. A click, or Enter on a selected one, opens its LaTeX. */
import { NodeSelection, Selection } from '@tiptap/pm/state';
import { isNodeSelection } from '@tiptap/core';
import { field } from '../../../components/form.js';
import { formDialog } from '../../../components/dialog.js';
import { find, h } from '../../../lib/dom.js';
import { goOnBelow } from '../actions.js';
import { drawFormula } from './draw-formula.js';

/** @import { Editor, NodeViewRenderer } from '@tiptap/core' */

/** @type {NodeViewRenderer} */
export const formulaView = ({ node, editor, getPos }) => {
  let shown = node;
  const isBlock = node.type.name === 'blockMath';
  const dom = h(isBlock ? 'div' : 'span', { class: isBlock ? 'formula block-formula' : 'formula inline-formula' });
  const show = () => {
    const { latex } = shown.attrs;
    // Until it is drawn, and for those who print.
    dom.textContent = latex || 'Empty formula';
    dom.toggleAttribute('data-empty', !latex);
    if (latex) drawFormula(dom, latex, { wide: isBlock }).then((isRead) => dom.toggleAttribute('data-bad', !isRead));
  };
  show();
  dom.addEventListener('click', () => {
    const at = getPos();
    if (at === undefined || !editor.isEditable) return;
    editor.view.dispatch(editor.state.tr.setSelection(NodeSelection.create(editor.state.doc, at)));
    changeFormula(editor);
  });
  return {
    dom,
    update(next) {
      if (next.type !== shown.type) return false;
      const isOther = next.attrs.latex !== shown.attrs.latex;
      shown = next;
      if (isOther) show();
      return true;
    },
    ignoreMutation: () => true,
  };
};

/**
 * Asks for LaTeX and shows what becomes of it.
 * @param {{ title: string, latex: string, wide: boolean, verb: string, act: (latex: string) => void }} options
 */
function formulaDialog({ title, latex, wide, verb, act }) {
  const preview = h('div', { class: 'formula formula-preview', 'aria-hidden': 'true' });
  const text = field({
    name: 'latex',
    label: 'Formula in LaTeX',
    type: 'textarea',
    value: latex,
    rows: wide ? 4 : 2,
    maxlength: 4000,
    spellcheck: 'false',
    autocapitalize: 'off',
    class: 'mono',
    placeholder: '\\frac{a}{b} + \\sqrt{x^2}',
    hint: 'Ctrl+Enter saves. An empty formula is deleted.',
  });
  const area = find(text, 'textarea', HTMLTextAreaElement);
  const draw = () => {
    if (area?.value.trim()) drawFormula(preview, area.value, { wide });
    else preview.replaceChildren();
  };
  area?.addEventListener('input', draw);
  area?.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    area.form?.requestSubmit();
  });
  draw();
  return formDialog({ title, fields: [text, preview], verb, act: (values) => act(values.latex) });
}

/**
 * Changes the selected formula.
 * @param {Editor} editor
 * @returns {boolean} false: none is selected
 */
export function changeFormula(editor) {
  const { selection } = editor.state;
  if (!isNodeSelection(selection) || !/^(?:inline|block)Math$/.test(selection.node.type.name)) return false;
  const { node, from } = selection;
  formulaDialog({
    title: 'Change formula',
    latex: node.attrs.latex,
    wide: node.type.name === 'blockMath',
    verb: 'Save',
    act: (latex) => {
      // Others may have moved it meanwhile.
      const { doc, tr } = editor.state;
      let at = doc.nodeAt(from)?.eq(node) ? from : -1;
      if (at < 0)
        doc.descendants((each, other) => {
          if (at < 0 && each.eq(node)) at = other;
        });
      if (at < 0) return;
      editor.view.dispatch(latex ? tr.setNodeAttribute(at, 'latex', latex) : tr.delete(at, at + node.nodeSize));
    },
  }).then(() => editor.view.focus());
  return true;
}

/**
 * Puts the caret behind the formula that was just inserted.
 * @param {Editor} editor
 */
function goOnBehind({ state, view }) {
  const { tr } = state;
  goOnBelow({ tr });
  const { to } = tr.selection;
  view.dispatch(tr.setSelection(Selection.near(tr.doc.resolve(Math.min(to, tr.doc.content.size)), 1)));
}

/**
 * Puts a formula in; a selected text becomes one.
 * @param {Editor} editor
 * @param {'inlineMath' | 'blockMath'} name
 */
export function addFormula(editor, name) {
  if (changeFormula(editor)) return;
  const { from, to } = editor.state.selection;
  formulaDialog({
    title: name === 'blockMath' ? 'Add formula' : 'Add formula in the text',
    latex: editor.state.doc.textBetween(from, to, ' '),
    wide: name === 'blockMath',
    verb: 'Add',
    act: (latex) => {
      if (!latex) return;
      editor.chain().insertContent({ type: name, attrs: { latex } }).run();
      if (name === 'blockMath') goOnBehind(editor);
    },
  }).then(() => editor.view.focus());
}
