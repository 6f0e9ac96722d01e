/**
 * Markdown as HTML, block by block, as public pages show it: CommonMark with GFM's tables, tasks and struck text, formulas
 * and a few HTML tags. All other HTML is text.
 */
import MarkdownIt from 'markdown-it';
import { isOwnPicture, isSafe } from '../rich/addresses.js';
import { blockRules } from './block-rules.js';
import { footnoteRules } from './footnote-rules.js';
import { formulaRules } from './formula-rules.js';

/** @typedef {import('markdown-it').Token} Token */

/**
 * A block at the top level. `line`: where it begins in the text, from 0. Lines in `html` (`data-line`) count from there.
 * @typedef {{ html: string, line: number }} Block
 */

const BREAK = /<br\s*\/?>/iy;
const TAG = /<(\/?)(strong|b|em|i|s|del|u|mark|sub|sup)>/iy;
/** @type {Record<string, string>} */
const NAMES = { b: 'strong', i: 'em', del: 's' };
/** The page's own address; any one where there is no page. */
const HERE = globalThis.location?.origin ?? 'https://page.invalid';
const OUTSIDE = /^(?:[a-z][a-z0-9+.-]*:)?\/\//i;
const FRONT = /^---[ \t]*\n(?:(?!---|\.\.\.)[^\n]*\n){1,400}(?:---|\.\.\.)[ \t]*(?:\n|$)/;
const KEY = /^[^\s#-][^:\n]*:(?:\s|$)/m;

const parser = new MarkdownIt('commonmark', { html: false, maxNesting: 20 }).enable(['table', 'strikethrough']);
parser.use(formulaRules);
parser.use(blockRules);
parser.use(footnoteRules);
// Addresses are checked when they are written.
parser.validateLink = () => true;

parser.inline.ruler.before('autolink', 'break', (state, silent) => {
  BREAK.lastIndex = state.pos;
  const found = BREAK.exec(state.src);
  if (!found) return false;
  if (!silent) state.push('hardbreak', 'br', 0);
  state.pos += found[0].length;
  return true;
});

parser.inline.ruler.before('autolink', 'tag', (state, silent) => {
  TAG.lastIndex = state.pos;
  const found = TAG.exec(state.src);
  if (!found) return false;
  if (!silent) state.push('tag', '', 0).content = found[0];
  state.pos += found[0].length;
  return true;
});

// Tags that have a counterpart count; others are text.
parser.core.ruler.push('tags', ({ tokens }) => {
  for (const { children } of tokens) {
    if (!children?.some(({ type }) => type === 'tag')) continue;
    /** @type {Map<string, Token[]>} */
    const open = new Map();
    for (const token of children) {
      if (token.type !== 'tag') continue;
      TAG.lastIndex = 0;
      const [, end, written] = /** @type {RegExpExecArray} */ (TAG.exec(token.content));
      const name = NAMES[written.toLowerCase()] ?? written.toLowerCase();
      token.type = 'text';
      const begun = open.get(name) ?? [];
      open.set(name, begun);
      if (!end) begun.push(token);
      const begin = end ? begun.pop() : undefined;
      if (!begin) continue;
      begin.type = token.type = 'shown_tag';
      begin.content = `<${name}>`;
      token.content = `</${name}>`;
    }
  }
});
parser.renderer.rules.shown_tag = (tokens, index) => tokens[index].content;

/** Boxes at the beginning of list items. */
parser.core.ruler.push('tasks', ({ tokens }) => {
  tokens.forEach((token, index) => {
    const text = tokens[index + 2];
    if (token.type !== 'list_item_open' || tokens[index + 1]?.type !== 'paragraph_open') return;
    const first = text?.children?.[0];
    const found = first?.type === 'text' ? /^\[([ xX])\](?:[ \t]+|$)/.exec(first.content) : null;
    if (!first || !found) return;
    first.content = first.content.slice(found[0].length);
    token.attrSet('data-checked', String(found[1] !== ' '));
  });
});

const { escapeHtml } = parser.utils;

parser.renderer.rules.list_item_open = (tokens, index, options, env, self) => {
  const token = tokens[index];
  const checked = token.attrGet('data-checked');
  if (checked === null) return self.renderToken(tokens, index, options);
  token.attrJoin('class', 'task');
  return `<li${self.renderAttrs(token)}><label><input type="checkbox" aria-label="Done"${checked === 'true' ? ' checked' : ''}></label><div>`;
};
parser.renderer.rules.list_item_close = (tokens, index) => {
  for (let at = index - 1; at >= 0; at -= 1) {
    if (tokens[at].type === 'list_item_open' && tokens[at].level === tokens[index].level)
      return tokens[at].attrGet('data-checked') === null ? '</li>\n' : '</div></li>\n';
  }
  return '</li>\n';
};

/** @param {Token} token */
function code({ content, info, attrs }) {
  const language = info.trim().split(/\s+/)[0] ?? '';
  const line = attrs?.find(([name]) => name === 'data-line')?.[1];
  return (
    `<figure class="code-block"${line === undefined ? '' : ` data-line="${line}"`}><pre><code` +
    `${language ? ` data-language="${escapeHtml(language.toLowerCase())}"` : ''}>${escapeHtml(content.replace(/\n$/, ''))}</code></pre></figure>\n`
  );
}
parser.renderer.rules.fence = parser.renderer.rules.code_block = (tokens, index) => code(tokens[index]);

parser.renderer.rules.table_open = (tokens, index, options, env, self) =>
  `<div class="table-scroll"${self.renderAttrs(tokens[index])} role="group" aria-label="Table" tabindex="0"><table>\n`;
parser.renderer.rules.table_close = () => '</table></div>\n';
// As in rich text, whose style the preview has.
for (const part of ['thead_open', 'thead_close', 'tbody_open', 'tbody_close']) parser.renderer.rules[part] = () => '';
/** @type {import('markdown-it').RendererRule} */
const cell = (tokens, index) => {
  const { tag } = tokens[index];
  const align = /text-align:\s*(left|center|right)/.exec(String(tokens[index].attrGet('style') ?? ''))?.[1];
  return align ? `<${tag} class="align-${align}">` : `<${tag}>`;
};
parser.renderer.rules.th_open = parser.renderer.rules.td_open = cell;

parser.renderer.rules.link_open = (tokens, index, options, env, self) => {
  const token = tokens[index];
  const address = String(token.attrGet('href'));
  if (address && !isSafe(address)) token.attrs = (token.attrs ?? []).filter(([name]) => name !== 'href');
  else if (!address.startsWith('#')) {
    token.attrSet('target', '_blank');
    token.attrSet('rel', 'noopener noreferrer');
  }
  return self.renderToken(tokens, index, options);
};

parser.renderer.rules.image = (tokens, index, options, env, self) => {
  const token = tokens[index];
  const source = String(token.attrGet('src') ?? '');
  const alt = self.renderInlineAsText(token.children ?? [], options, env);
  // A picture from elsewhere would tell that host who reads the page; the page's policy does not load it either.
  if (!isOwnPicture(source, HERE)) {
    if (!OUTSIDE.test(source)) return escapeHtml(alt);
    const name = escapeHtml(alt || 'Picture');
    const isLinked = tokens
      .slice(0, index)
      .reduce((open, { type }) => open + Number(type === 'link_open') - Number(type === 'link_close'), 0);
    if (isLinked > 0) return `<span class="outside">${name}</span>`;
    return `<a class="outside" href="${escapeHtml(source)}" target="_blank" rel="noopener noreferrer">${name} <span class="host">(${escapeHtml(hostOf(source))})</span></a>`;
  }
  const title = String(token.attrGet('title') ?? '');
  // The address is looked up for guests of a link before a browser asks for it.
  return `<img data-src="${escapeHtml(source)}" alt="${escapeHtml(alt)}"${title ? ` title="${escapeHtml(title)}"` : ''} decoding="async">`;
};

/** @param {string} address */
function hostOf(address) {
  try {
    return new URL(address, HERE).host;
  } catch {
    return '?';
  }
}

/**
 * The length of the lines of YAML at the beginning, which are not shown.
 * @param {string} text
 */
function frontMatter(text) {
  const front = FRONT.exec(text)?.[0] ?? '';
  return KEY.test(front.slice(4)) ? front : '';
}

/**
 * @param {string} markdown
 * @returns {Block[]}
 */
export function toBlocks(markdown) {
  const front = frontMatter(markdown);
  const above = front ? front.split('\n').length - 1 : 0;
  const env = {};
  const tokens = parser.parse(markdown.slice(front.length), env);
  /** @type {Block[]} */
  const blocks = [];
  let begin = 0;
  tokens.forEach((token, index) => {
    const isEnd = token.level === 0 && token.nesting <= 0;
    if (!isEnd) return;
    const group = tokens.slice(begin, index + 1);
    begin = index + 1;
    const [first] = group[0].map ?? [0];
    for (const each of group) if (each.map && each.nesting >= 0) each.attrSet('data-line', String(each.map[0] - first));
    blocks.push({ html: parser.renderer.render(group, parser.options, env), line: first + above });
  });
  return blocks;
}
