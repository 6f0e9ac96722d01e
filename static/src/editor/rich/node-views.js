/** How the page shows code blocks, with their language, and pictures, of which it loads only those of this server. */
import { h } from '../../lib/dom.js';
import { isOwnPicture, isSafe } from './addresses.js';
import { LANGUAGES, languageOf } from './languages.js';

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

/**
 * @param {(src: string) => Promise<string>} addressOf an address that the browser can follow
 * @returns {NodeViewRenderer}
 */
export const imageView =
  (addressOf) =>
  ({ node }) => {
    let shown = node;
    const dom = h('figure', { class: 'picture' });
    const show = () => {
      const { src, alt, title } = shown.attrs;
      if (isOwnPicture(src, location.origin)) {
        const image = h('img', { alt: alt ?? '', title, draggable: 'false', loading: 'lazy' });
        image.addEventListener('error', () => dom.toggleAttribute('data-missing', true));
        addressOf(src).then((address) => {
          image.src = address;
        });
        dom.replaceChildren(image);
        return;
      }
      const label = alt || title || 'Picture';
      const link = isSafe(src)
        ? h('a', { href: src, target: '_blank', rel: 'noopener noreferrer nofollow' }, 'Open')
        : null;
      // Another server would learn who reads this document, and when.
      dom.replaceChildren(h('span', { class: 'picture-elsewhere' }, `${label} (a picture of another site) `, link));
    };
    show();
    return {
      dom,
      update(/** @type {Node} */ next) {
        if (next.type !== shown.type) return false;
        const isOther = ['src', 'alt', 'title'].some((name) => next.attrs[name] !== shown.attrs[name]);
        shown = next;
        if (isOther) show();
        return true;
      },
      ignoreMutation: () => true,
    };
  };
