/** Reads Markdown as nodes of rich text, for what is pasted. Documents are read on the server. */
import { markdownLanguage } from '@codemirror/lang-markdown';
import { Fragment } from '@tiptap/pm/model';
import { isSafe } from '../addresses.js';
import { CALLOUTS } from '../blocks/callout-kinds.js';
import { FORMULAS } from './formula-syntax.js';
import { trimmed } from './trimmed.js';

/** @import { SyntaxNode } from '@lezer/common' */
/** @import { Mark, Node, Schema } from '@tiptap/pm/model' */

/** What hardly anybody writes who does not mean Markdown. */
const SIGNS = [
  /^#{1,6} \S/m,
  /^(?:[-*+]|\d{1,9}[.)]) +\S.*\n(?:[ \t]*(?:[-*+]|\d{1,9}[.)]) +\S)/m,
  /^[-*+] \[[ xX]\] /m,
  /^(?:```|~~~)/m,
  /^> \S/m,
  /^\$\$/m,
  /^\|.*\|\n\|[ :|-]+\|/m,
  /\*\*\S(?:[^*\n]*\S)?\*\*/,
  /\[[^\]\n]+\]\((?:https?:|\/|mailto:)[^)\s]*\)/,
];
const parser = /** @type {import('@lezer/markdown').MarkdownParser} */ (markdownLanguage.parser).configure(FORMULAS);
const CALLOUT = /^\[!(\w+)\][ \t]*(?:\n|$)/;
/** @type {Record<string, string>} */
const MARKS = { StrongEmphasis: 'bold', Emphasis: 'italic', Strikethrough: 'strike' };
const SIGN = /Mark$|^(?:URL|LinkTitle|LinkLabel)$/;

/** @param {string} text */
export const looksLikeMarkdown = (text) => SIGNS.some((sign) => sign.test(text));

/**
 * The blocks of a Markdown text.
 * @param {string} text
 * @param {Schema} schema
 * @returns {Fragment}
 */
export function nodesOf(text, schema) {
  const reader = new Reader(text, schema);
  return Fragment.from(reader.blocks(parser.parse(text).topNode));
}

/** @param {SyntaxNode} node */
function* childrenOf(node) {
  for (let child = node.firstChild; child; child = child.nextSibling) yield child;
}

class Reader {
  /**
   * @param {string} text
   * @param {Schema} schema
   */
  constructor(text, schema) {
    this.text = text;
    this.schema = schema;
  }

  /**
   * @param {string} name
   * @param {Record<string, unknown> | null} attributes
   * @param {Node[]} content
   */
  node(name, attributes, content) {
    return this.schema.nodes[name].create(attributes, content);
  }

  /** @param {SyntaxNode} parent */
  blocks(parent) {
    return [...childrenOf(parent)].flatMap((child) => this.block(child));
  }

  /**
   * @param {SyntaxNode} node
   * @returns {Node[]}
   */
  block(node) {
    const { name } = node;
    const heading = /^(?:ATX|Setext)Heading(\d)$/.exec(name);
    if (heading) return [this.node('heading', { level: Number(heading[1]) }, this.inline(node, { isHeading: true }))];
    if (name === 'Paragraph' || name === 'Task') return this.paragraphs(this.inline(node));
    if (name === 'Blockquote') return [this.quote(node)];
    if (name === 'FormulaBlock') return [this.node('blockMath', { latex: this.latex(node) }, [])];
    if (name === 'HorizontalRule') return [this.node('horizontalRule', null, [])];
    if (name === 'FencedCode' || name === 'CodeBlock') return [this.code(node)];
    if (name === 'BulletList' || name === 'OrderedList') return this.lists(node);
    if (name === 'Table') return [this.table(node)];
    if (SIGN.test(name) || name === 'LinkReference' || name === 'CommentBlock') return [];
    return this.paragraphs(this.plain(this.text.slice(node.from, node.to), []));
  }

  /**
   * A quote, or the callout that its first line makes of it.
   * @param {SyntaxNode} node
   */
  quote(node) {
    const blocks = this.blocks(node);
    const first = node.getChild('Paragraph');
    const name = first ? CALLOUT.exec(this.text.slice(first.from, first.to))?.[1].toLowerCase() : undefined;
    if (!first || !CALLOUTS.some(({ kind }) => kind === name))
      return this.node('blockquote', null, this.filled(blocks));
    const sign = `[!${name}]`;
    const rest = blocks[0].content.size > sign.length ? [blocks[0].cut(sign.length)] : [];
    const content = rest.map((block) => block.copy(Fragment.from(trimmed([...block.content.content], this.schema))));
    return this.node('callout', { type: name }, this.filled([...content, ...blocks.slice(1)]));
  }

  /**
   * The LaTeX between the signs of a formula.
   * @param {SyntaxNode} node
   */
  latex({ from, to }) {
    const lines = this.text
      .slice(from, to)
      .replace(/^\$+|\$+\s*$/g, '')
      .split('\n');
    return lines
      .map((line) => line.replace(/^[ \t]*(?:>[ \t]?)*/, '').trim())
      .filter(Boolean)
      .join('\n');
  }

  /** @param {Node[]} blocks */
  filled(blocks) {
    return blocks.length > 0 ? blocks : [this.node('paragraph', null, [])];
  }

  /**
   * Pictures are blocks: they part a paragraph.
   * @param {Node[]} inline
   */
  paragraphs(inline) {
    /** @type {Node[]} */
    const blocks = [];
    /** @type {Node[]} */
    let line = [];
    const end = () => {
      if (line.some(({ text }) => text === undefined || text.trim()))
        blocks.push(this.node('paragraph', null, trimmed(line, this.schema)));
      line = [];
    };
    for (const each of inline) {
      if (each.isInline) {
        line.push(each);
        continue;
      }
      end();
      blocks.push(each);
    }
    end();
    return blocks;
  }

  /** @param {SyntaxNode} node */
  code(node) {
    const info = node.getChild('CodeInfo');
    const [language] = info ? this.text.slice(info.from, info.to).split(/\s/) : [];
    const text = node
      .getChildren('CodeText')
      .map(({ from, to }) => this.text.slice(from, to))
      .join('');
    return this.node('codeBlock', { language: language ?? null }, text ? [this.schema.text(text)] : []);
  }

  /**
   * A list, or several: tasks and other items are lists of their own.
   * @param {SyntaxNode} node
   */
  lists(node) {
    /** @type {{ isTask: boolean, items: Node[] }[]} */
    const lists = [];
    const items = node.getChildren('ListItem');
    for (const item of items) {
      const task = node.name === 'BulletList' ? item.getChild('Task') : null;
      const marker = task?.getChild('TaskMarker');
      const isTask = Boolean(marker);
      const content = this.filled(this.blocks(item));
      if (content[0].type.name !== 'paragraph') content.unshift(this.node('paragraph', null, []));
      const checked = marker ? /x/i.test(this.text.slice(marker.from, marker.to)) : false;
      if (lists.at(-1)?.isTask !== isTask) lists.push({ isTask, items: [] });
      lists.at(-1)?.items.push(this.node(isTask ? 'taskItem' : 'listItem', isTask ? { checked } : null, content));
    }
    const first = items[0]?.getChild('ListMark');
    const start = first ? parseInt(this.text.slice(first.from, first.to), 10) || 1 : 1;
    return lists.map((list) => {
      if (list.isTask) return this.node('taskList', null, list.items);
      return node.name === 'OrderedList'
        ? this.node('orderedList', { start }, list.items)
        : this.node('bulletList', null, list.items);
    });
  }

  /** @param {SyntaxNode} node */
  table(node) {
    const rows = [...node.getChildren('TableHeader'), ...node.getChildren('TableRow')];
    const width = Math.max(...rows.map((row) => row.getChildren('TableCell').length), 1);
    return this.node(
      'table',
      null,
      rows.map((row, index) => {
        const cells = row.getChildren('TableCell');
        return this.node(
          'tableRow',
          null,
          Array.from({ length: width }, (_, column) => {
            const content = cells[column] ? this.inline(cells[column]).filter(({ isInline }) => isInline) : [];
            return this.node(index === 0 ? 'tableHeader' : 'tableCell', null, [this.node('paragraph', null, content)]);
          }),
        );
      }),
    );
  }

  /**
   * @param {SyntaxNode} node
   * @param {{ marks?: Mark[], isHeading?: boolean }} [how]
   * @returns {Node[]}
   */
  inline(node, { marks = [], isHeading = false } = {}) {
    /** @type {Node[]} */
    const found = [];
    let at = node.from;
    const until = (/** @type {number} */ to) => {
      if (to > at) found.push(...this.plain(this.text.slice(at, to), marks));
    };
    for (const child of childrenOf(node)) {
      until(child.from);
      at = child.to;
      // The sign of a quote stands before each of its lines.
      if (child.name === 'QuoteMark') while (this.text[at] === ' ') at += 1;
      found.push(...this.inlineNode(child, marks));
    }
    until(node.to);
    const kept = isHeading ? found.filter(({ isInline }) => isInline) : found;
    return trimmed(kept, this.schema);
  }

  /**
   * @param {SyntaxNode} node
   * @param {Mark[]} marks
   * @returns {Node[]}
   */
  inlineNode(node, marks) {
    const { name, from, to } = node;
    const said = this.text.slice(from, to);
    if (name in MARKS)
      return this.inline(node, { marks: [...this.schema.marks[MARKS[name]].create().addToSet(marks)] });
    if (name === 'Formula') return [this.node('inlineMath', { latex: this.latex(node) }, [])];
    if (name === 'HardBreak') return [this.node('hardBreak', null, [])];
    if (name === 'Escape') return this.plain(said.slice(1), marks);
    if (name === 'Entity') {
      return this.plain(new DOMParser().parseFromString(said, 'text/html').body.textContent ?? said, marks);
    }
    if (name === 'InlineCode') {
      const code = said.replace(/^(`+)(.*?)\1$/s, '$2').replace(/\n/g, ' ');
      const text = /^ .*\S.* $/.test(code) ? code.slice(1, -1) : code;
      return text ? [this.schema.text(text, [this.schema.marks.code.create()])] : [];
    }
    const url = node.getChild('URL');
    const address = url ? this.text.slice(url.from, url.to).replace(/^<(.*)>$/, '$1') : '';
    if (name === 'Image' && url) {
      const alt = /^!\[(.*?)\]/s.exec(said)?.[1] ?? '';
      return isSafe(address) ? [this.node('image', { src: address, alt }, [])] : this.plain(alt, marks);
    }
    if (name === 'Link' && url) {
      const link = isSafe(address) ? this.schema.marks.link.create({ href: address }).addToSet(marks) : marks;
      return this.inline(node, { marks: [...link] }).filter(({ isInline }) => isInline);
    }
    if (name === 'URL' || name === 'Autolink') {
      const href = said.replace(/^<(.*)>$/, '$1');
      // Within a link this is its address, which is not read.
      if (node.parent?.name === 'Link' || node.parent?.name === 'Image') return [];
      const full = /^[a-z][a-z0-9+.-]*:/i.test(href) ? href : `https://${href}`;
      const link = isSafe(full) ? this.schema.marks.link.create({ href: full }).addToSet(marks) : marks;
      return [this.schema.text(href, link)];
    }
    if (SIGN.test(name) || name === 'TaskMarker') return [];
    return this.plain(said, marks);
  }

  /**
   * @param {string} text
   * @param {readonly Mark[]} marks
   */
  plain(text, marks) {
    const line = text.replace(/\n[ \t]*/g, ' ');
    return line ? [this.schema.text(line, marks)] : [];
  }
}
