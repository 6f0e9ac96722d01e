/** Footnotes, found as the server finds them: see core/markdown/rules/footnotes.py. */

/** @import { MarkdownIt } from 'markdown-it' */

const REFERENCE = /\[\^([\w.+-]{1,40})\]/y;
const DEFINITION = /^\[\^([\w.+-]{1,40})\]:/;

/**
 * The labels of the footnotes of a text.
 * @param {any} env of its parsing
 * @returns {Set<string>}
 */
const labelsOf = (env) => (env.footnotes ??= new Set());

/** @param {MarkdownIt} parser */
export function footnoteRules(parser) {
  parser.inline.ruler.before('link', 'footnote_reference', (state, silent) => {
    REFERENCE.lastIndex = state.pos;
    const found = REFERENCE.exec(state.src);
    if (!found || REFERENCE.lastIndex > state.posMax || !labelsOf(state.env).has(found[1])) return false;
    if (!silent) state.push('footnote_reference', 'sup', 0).info = found[1];
    state.pos += found[0].length;
    return true;
  });
  parser.block.ruler.before('reference', 'footnote', (state, start, end, silent) => {
    const lineAt = (/** @type {number} */ at) => state.src.slice(state.bMarks[at] + state.tShift[at], state.eMarks[at]);
    const first = lineAt(start);
    const found = state.sCount[start] - state.blkIndent >= 4 ? null : DEFINITION.exec(first);
    if (!found) return false;
    if (silent) return true;
    const lines = [first.slice(found[0].length)];
    let line = start + 1;
    for (; line < end && !state.isEmpty(line) && state.sCount[line] >= state.blkIndent; line += 1) {
      if (DEFINITION.test(lineAt(line))) break;
      lines.push(lineAt(line));
    }
    labelsOf(state.env).add(found[1]);
    for (const [name, nesting] of /** @type {[string, -1 | 0 | 1][]} */ ([
      ['footnote_open', 1],
      ['inline', 0],
      ['footnote_close', -1],
    ])) {
      const token = state.push(name, nesting ? 'div' : '', nesting);
      Object.assign(token, { info: found[1], map: [start, line] });
      if (!nesting) Object.assign(token, { content: lines.join('\n').replace(/^\s+|\s+$/g, ''), children: [] });
    }
    state.line = line;
    return true;
  });
  // The preview scrolls to these places itself: ids of a page are its own.
  parser.renderer.rules.footnote_reference = (tokens, index) => {
    const { info } = tokens[index];
    return `<sup class="footnote-ref"><a href="#note-${info}" data-note-ref="${info}">${info}</a></sup>`;
  };
  parser.renderer.rules.footnote_open = (tokens, index, options, env, self) => {
    const { info } = tokens[index];
    return `<div class="footnote" data-note="${info}"${self.renderAttrs(tokens[index])}><p><sup>${info}</sup> `;
  };
  parser.renderer.rules.footnote_close = (tokens, index) =>
    ` <a href="#note-ref-${tokens[index].info}" aria-label="Back to the text">\u21a9</a></p></div>\n`;
}
