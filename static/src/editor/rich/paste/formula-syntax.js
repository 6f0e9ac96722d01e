/** Formulas in Markdown that is pasted: the same rules as formula-rules.js, for the parser of Lezer. */

/** @import { BlockContext, InlineContext, Line, MarkdownConfig } from '@lezer/markdown' */

const DOLLAR = 36;
const DIGIT = /\d/;

/** @param {string} text of a line */
const isEnd = (text) => text.trimEnd().endsWith('$$');

/** @type {MarkdownConfig} */
export const FORMULAS = {
  defineNodes: [{ name: 'Formula' }, { name: 'FormulaBlock', block: true }],
  parseInline: [
    {
      name: 'Formula',
      before: 'Escape',
      parse(/** @type {InlineContext} */ context, next, at) {
        if (next !== DOLLAR) return -1;
        const text = context.slice(at, context.end);
        const found = /^(\${1,2})((?:\\.|[^$\\])+)\1(?!\d)/s.exec(text);
        const before = at > context.offset ? context.slice(at - 1, at) : '';
        if (!found || DIGIT.test(before) || (found[1] === '$' && found[2] !== found[2].trim()) || !found[2].trim())
          return -1;
        return context.addElement(context.elt('Formula', at, at + found[0].length));
      },
    },
  ],
  parseBlock: [
    {
      name: 'FormulaBlock',
      before: 'FencedCode',
      parse(/** @type {BlockContext} */ context, /** @type {Line} */ line) {
        const first = line.text.slice(line.pos);
        if (line.next !== DOLLAR || !first.startsWith('$$')) return false;
        const from = context.lineStart + line.pos;
        let isOpen = !(first.length > 4 && isEnd(first));
        while (isOpen && context.nextLine() && line.text.trim()) isOpen = !isEnd(line.text);
        const to = context.lineStart + line.text.length;
        context.nextLine();
        context.addElement(context.elt(isOpen ? 'Paragraph' : 'FormulaBlock', from, to));
        return true;
      },
    },
  ],
};
