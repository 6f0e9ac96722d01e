/** Formulas of LaTeX between dollar signs, found as the server finds them for public pages. */

/** @import { MarkdownIt } from 'markdown-it' */

const SPACE = /\s/;
const DIGIT = /\d/;

/** @param {MarkdownIt} parser */
export function formulaRules(parser) {
  const { escapeHtml } = parser.utils;
  parser.inline.ruler.before('escape', 'formula', (state, silent) => {
    const { src, pos, posMax } = state;
    if (src[pos] !== '$' || isEscaped(src, pos)) return false;
    const sign = src[pos + 1] === '$' ? '$$' : '$';
    // As in "5$ and 6$".
    if (pos > 0 && DIGIT.test(src[pos - 1])) return false;
    let end = src.indexOf(sign, pos + sign.length);
    while (end >= 0 && isEscaped(src, end)) end = src.indexOf(sign, end + 1);
    if (end < 0 || end + sign.length > posMax) return false;
    const content = src.slice(pos + sign.length, end);
    const next = src[end + sign.length];
    if (!content || (next !== undefined && end + sign.length < posMax && DIGIT.test(next))) return false;
    if (sign === '$' && (SPACE.test(content[0]) || SPACE.test(content[content.length - 1]))) return false;
    if (!content.trim()) return false;
    if (!silent) {
      const token = state.push('formula', '', 0);
      token.content = content.trim();
      token.markup = sign;
    }
    state.pos = end + sign.length;
    return true;
  });

  parser.block.ruler.after(
    'blockquote',
    'formula_block',
    (state, startLine, endLine, silent) => {
      let line = startLine;
      const textOf = (/** @type {number} */ at) =>
        state.src.slice(state.bMarks[at] + state.tShift[at], state.eMarks[at]);
      const first = textOf(line);
      if (state.sCount[line] - state.blkIndent >= 4 || !first.startsWith('$$')) return false;
      const lines = [first.slice(2)];
      while (!lines[lines.length - 1].trimEnd().endsWith('$$')) {
        line += 1;
        if (line >= endLine || state.isEmpty(line) || state.sCount[line] < state.blkIndent) return false;
        lines.push(textOf(line));
      }
      const content = lines.join('\n').trimEnd().slice(0, -2);
      if (!content.trim() || content.includes('$$')) return false;
      if (silent) return true;
      const token = state.push('formula_block', '', 0);
      token.content = content.trim();
      token.block = true;
      token.map = [startLine, line + 1];
      state.line = line + 1;
      return true;
    },
    { alt: ['paragraph', 'reference', 'blockquote', 'list'] },
  );

  parser.renderer.rules.formula = (tokens, index) => {
    const { content, markup } = tokens[index];
    return `<span class="formula"${markup === '$$' ? ' data-wide' : ''}>${escapeHtml(content)}</span>`;
  };
  parser.renderer.rules.formula_block = (tokens, index, options, env, self) =>
    `<div class="formula" data-wide${self.renderAttrs(tokens[index])}>${escapeHtml(tokens[index].content)}</div>\n`;
}

/**
 * @param {string} text
 * @param {number} at
 */
function isEscaped(text, at) {
  let count = 0;
  while (text[at - 1 - count] === '\\') count += 1;
  return count % 2 === 1;
}
