/** Callouts and toggles, found as the server finds them: see core/markdown/rules/. */
import { CALLOUTS } from '../rich/blocks/callout-kinds.js';

/** @import { MarkdownIt, Token } from 'markdown-it' */

const SIGN = /^\[!(\w+)\]\s*$/;
const OPEN = /^<details(?:[ \t]+open(?:="")?)?>[ \t]*(?:<summary>(.*?)<\/summary>[ \t]*)?$/i;
const SUMMARY = /^<summary>(.*?)<\/summary>[ \t]*$/i;
const CLOSE = /^<\/details>[ \t]*$/i;

/** @param {MarkdownIt} parser */
export function blockRules(parser) {
  parser.block.ruler.after(
    'blockquote',
    'toggle',
    (state, start, end, silent) => {
      const lineAt = (/** @type {number} */ at) =>
        state.src.slice(state.bMarks[at] + state.tShift[at], state.eMarks[at]);
      let text = lineAt(start);
      if (!text.startsWith('<') || state.sCount[start] - state.blkIndent >= 4) return false;
      const opens = OPEN.exec(text);
      if (!opens && !CLOSE.test(text)) return false;
      if (silent) return true;
      let behind = start + 1;
      let summary = opens?.[1];
      const indent = behind < end ? state.sCount[behind] - state.blkIndent : -1;
      if (opens && summary === undefined && indent >= 0 && indent < 4) {
        const below = lineAt(behind);
        summary = SUMMARY.exec(below)?.[1];
        if (summary !== undefined) {
          text += `\n${below}`;
          behind += 1;
        }
      }
      const token = state.push(opens ? 'toggle_open' : 'toggle_close', 'details', 0);
      token.content = text;
      token.block = true;
      token.map = [start, behind];
      token.meta = { summary: (summary ?? '').replace(/^[ \t]+|[ \t]+$/g, '') };
      state.line = behind;
      return true;
    },
    { alt: ['paragraph', 'reference', 'blockquote', 'list'] },
  );
  parser.core.ruler.after('block', 'callouts', (state) => {
    state.tokens = withCallouts(state.tokens);
  });
  parser.core.ruler.after('block', 'toggles', (state) => {
    if (state.tokens.some(({ type }) => type === 'toggle_open' || type === 'toggle_close'))
      state.tokens = withToggles(state.tokens, state.Token, state.md.options.maxNesting ?? 20);
  });
  parser.renderer.rules.callout_open = (tokens, index, options, env, self) => {
    const { label, kind } = CALLOUTS.find((each) => each.kind === tokens[index].info) ?? CALLOUTS[0];
    return `<div class="callout ${kind}" role="note"${self.renderAttrs(tokens[index])}><p class="callout-title">${label}</p>\n`;
  };
}

/** @param {Token[]} tokens */
function withCallouts(tokens) {
  /** @type {string[]} */
  const opened = [];
  const gone = new Set();
  tokens.forEach((token, index) => {
    if (token.type === 'blockquote_close') {
      const kind = opened.pop();
      if (kind) Object.assign(token, { type: 'callout_close', tag: 'div', info: kind });
    }
    if (token.type !== 'blockquote_open') return;
    let kind = '';
    const [paragraph, inline] = tokens.slice(index + 1, index + 3);
    if (paragraph?.type === 'paragraph_open' && inline?.type === 'inline') {
      const [first, ...rest] = inline.content.split('\n');
      const name = SIGN.exec(first.trim())?.[1].toLowerCase() ?? '';
      kind = CALLOUTS.some((each) => each.kind === name) ? name : '';
      if (kind && rest.length > 0) inline.content = rest.join('\n');
      else if (kind) for (let at = index + 1; at < index + 4; at += 1) gone.add(at);
    }
    opened.push(kind);
    if (kind) Object.assign(token, { type: 'callout_open', tag: 'div', info: kind });
  });
  return gone.size > 0 ? tokens.filter((_, index) => !gone.has(index)) : tokens;
}

/**
 * Gives the tags that have a counterpart their nesting, and makes paragraphs of the others.
 * @param {Token[]} tokens
 * @param {any} Token
 * @param {number} most
 */
function withToggles(tokens, Token, most) {
  const pairs = new Set();
  /** @type {number[][]} the tags that are open in each container around the token */
  const containers = [[]];
  tokens.forEach((token, index) => {
    if (token.type === 'toggle_open') containers.at(-1)?.push(index);
    else if (token.type === 'toggle_close') {
      const open = containers.at(-1)?.pop();
      if (open !== undefined) pairs.add(open).add(index);
    } else if (token.nesting === 1) containers.push([]);
    else if (token.nesting === -1) containers.pop();
  });
  /** @type {Token[]} */
  const result = [];
  const around = (
    /** @type {string} */ content,
    /** @type {any} */ map,
    /** @type {string} */ name,
    /** @type {string} */ tag,
    /** @type {number} */ level,
  ) => {
    const [open, inline, close] = [
      new Token(`${name}_open`, tag, 1),
      new Token('inline', '', 0),
      new Token(`${name}_close`, tag, -1),
    ];
    Object.assign(inline, { content, map, level: level + 1, block: true, children: [] });
    for (const each of [open, close]) Object.assign(each, { map, level, block: true });
    result.push(open, inline, close);
  };
  /** @type {boolean[]} */
  const deeper = [];
  let depth = 0;
  tokens.forEach((token, index) => {
    const level = token.level + depth;
    if (!pairs.has(index)) {
      token.level = level;
      if (/^toggle_(?:open|close)$/.test(token.type)) around(token.content, token.map, 'paragraph', 'p', level);
      else result.push(token);
    } else if (token.type === 'toggle_open') {
      const isPair = level + 1 < most;
      deeper.push(isPair);
      if (!isPair) return around(token.content, token.map, 'paragraph', 'p', level);
      depth += 1;
      Object.assign(token, { nesting: 1, level, content: '' });
      result.push(token);
      around(String(token.meta?.summary), token.map, 'summary', 'summary', level + 1);
    } else if (deeper.pop()) {
      depth -= 1;
      Object.assign(token, { nesting: -1, level: level - 1, content: '' });
      result.push(token);
    } else around(token.content, token.map, 'paragraph', 'p', level);
  });
  return result;
}
