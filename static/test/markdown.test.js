import assert from 'node:assert/strict';
import test from 'node:test';
import { EditorState } from '@codemirror/state';
import { languages, linkTo } from '../src/editor/markdown/completion.js';
import * as formatting from '../src/editor/markdown/formatting.js';
import { toBlocks } from '../src/editor/markdown/markdown-html.js';
import { ascending, between, lastWhere } from '../src/editor/markdown/scroll-sync.js';
import { TABLE_ACTIONS, cellsOf, newTable, tableAt, toCell, writeTable } from '../src/editor/markdown/tables.js';

/**
 * A text with its selection: `|` is the caret, `[` and `]` the ends of a selection. `¦` stands for the pipe of a table.
 * @param {string} marked
 */
function viewOf(marked) {
  const text = marked.replaceAll('¦', '\u0001');
  const [from, to] = text.includes('[')
    ? [text.indexOf('['), text.indexOf(']') - 1]
    : [text.indexOf('|'), text.indexOf('|')];
  const doc = text.replace(/[[\]|]/g, '').replaceAll('\u0001', '|');
  return {
    state: EditorState.create({ doc, selection: { anchor: from, head: to } }),
    /** @param {any[]} specs */
    dispatch(...specs) {
      for (const spec of specs) this.state = spec.state ?? this.state.update(spec).state;
    },
  };
}

/** @param {ReturnType<typeof viewOf>} view */
function shown({ state }) {
  const { from, to } = state.selection.main;
  const text = state.doc.toString().replaceAll('|', '¦');
  return from === to
    ? `${text.slice(0, from)}|${text.slice(from)}`
    : `${text.slice(0, from)}[${text.slice(from, to)}]${text.slice(to)}`;
}

/**
 * @param {any} command
 * @param {string} before
 */
function after(command, before) {
  const view = viewOf(before);
  command(view);
  return shown(view);
}

test('signs are put around a selection, and taken away by the same command', () => {
  const bold = formatting.wrap('**');
  assert.equal(after(bold, 'a [word] b'), 'a **[word]** b');
  assert.equal(after(bold, 'a **[word]** b'), 'a [word] b');
  assert.equal(after(bold, 'a | b'), 'a **|** b');
});

test('lines become headings, and text again', () => {
  assert.equal(after(formatting.heading(2), 'some |words'), '## some |words');
  assert.equal(after(formatting.heading(2), '## some |words'), 'some |words');
  assert.equal(after(formatting.heading(1), '### some |words'), '# some |words');
  assert.equal(after(formatting.heading(0), '# some |words'), 'some |words');
  assert.equal(after(formatting.heading(1), '|'), '# |');
  assert.equal(after(formatting.heading(1), '[one\n\ntwo]'), '# [one\n\n# two]');
});

test('lines become lists of each kind, in the order of their numbers', () => {
  const { list } = formatting;
  assert.equal(after(list('bullets'), '|a'), '- |a');
  assert.equal(after(list('bullets'), '- |a'), '|a');
  assert.equal(after(list('numbers'), '[a\n\n- b\n* [ ] c]'.replace('[ ]', '( )')), '1. [a\n\n2. b\n3. ( ) c]');
  assert.equal(after(list('tasks'), '1. |a'), '- [ ] |a'.replace('[ ]', '[ ]'));
  assert.equal(after(list('tasks'), '  - |a'), '  - [ ] |a');
  // A selection that ends at the beginning of a line leaves it out.
  assert.equal(after(list('bullets'), '[a\n]b'), '- [a\n]b');
});

test('lines are quoted with the empty ones between them, and no longer', () => {
  assert.equal(after(formatting.quote, '[a\n\nb]'), '> [a\n> \n> b]');
  assert.equal(after(formatting.quote, '[> a\n> \n> b]'), '[a\n\nb]');
});

test('a block of code has fences that are longer than those in it', () => {
  assert.equal(after(formatting.codeBlock, 'let |a'), '```|\nlet a\n```');
  assert.equal(after(formatting.codeBlock, '```\n[let a]\n```'), '[let a]');
  assert.equal(after(formatting.codeBlock, '[```\na\n```]'), '````|\n```\na\n```\n````');
});

test('a link selects what is still to be written', () => {
  const selected = (/** @type {string} */ before) => {
    const view = viewOf(before);
    formatting.link(/** @type {any} */ (view));
    const { from, to } = view.state.selection.main;
    return [view.state.doc.toString(), view.state.sliceDoc(from, to)];
  };
  assert.deepEqual(selected('see [this] now'), ['see [this](https://) now', 'https://']);
  assert.deepEqual(selected('see [https://a.example/b]'), ['see [text](https://a.example/b)', 'text']);
  assert.deepEqual(selected('see |'), ['see [text](https://)', 'text']);
});

test('nothing is changed where nobody may write', () => {
  for (const command of [formatting.wrap('**'), formatting.heading(1), formatting.quote, formatting.link, newTable]) {
    const view = viewOf('|a');
    view.state = EditorState.create({ doc: 'a', extensions: [EditorState.readOnly.of(true)] });
    command(/** @type {any} */ (view));
    assert.equal(view.state.doc.toString(), 'a');
  }
});

test('a block is inserted with empty lines around it', () => {
  const rule = formatting.rule;
  assert.equal(after(rule, 'a|\nb'), 'a\n\n---\n|\nb');
  assert.equal(after(rule, 'a\n\n|\n\nb'), 'a\n\n---\n|\n\nb');
  assert.equal(after(newTable, '|').split('\n')[0], '¦ [Heading] ¦ Heading ¦');
});

const TABLE = '¦ a ¦ b ¦\n¦ - ¦ -: ¦\n¦ 1 ¦ 2| ¦';

test('a table is found at the caret, with its cells', () => {
  const found = tableAt(viewOf(`text\n\n${TABLE}\n`).state);
  assert.deepEqual(found?.rows, [
    ['a', 'b'],
    ['1', '2'],
  ]);
  assert.deepEqual(found?.aligns, ['', 'right']);
  assert.deepEqual([found?.row, found?.column], [1, 1]);
  assert.equal(tableAt(viewOf('a ¦ b|').state), null);
  assert.deepEqual(cellsOf(String.raw`| a \| b | c |`), [String.raw`a \| b`, 'c']);
});

test('Tab goes from cell to cell, and makes a row behind the last one', () => {
  const view = viewOf(TABLE);
  assert.equal(toCell(1)(/** @type {any} */ (view)), true);
  assert.equal(shown(view), '¦ a   ¦   b ¦\n¦ --- ¦ --: ¦\n¦ 1   ¦   2 ¦\n¦ |    ¦     ¦');
  toCell(-1)(/** @type {any} */ (view));
  assert.equal(view.state.sliceDoc(view.state.selection.main.from, view.state.selection.main.to), '2');
  assert.equal(toCell(1)(/** @type {any} */ (viewOf('no |table'))), false);
});

test('rows and columns are added, aligned and deleted', () => {
  const doing = (/** @type {string} */ label) => {
    const action = TABLE_ACTIONS.find((each) => each !== 'line' && each.label === label);
    assert(action && action !== 'line');
    const view = viewOf(TABLE);
    action.act(/** @type {any} */ (view));
    return view.state.doc.toString().split('\n');
  };
  assert.deepEqual(doing('Add row above'), ['| a   |   b |', '| --- | --: |', '|     |     |', '| 1   |   2 |']);
  assert.deepEqual(doing('Add column after'), ['| a   |   b |     |', '| --- | --: | --- |', '| 1   |   2 |     |']);
  assert.deepEqual(doing('Align centre'), ['| a   |  b  |', '| --- | :-: |', '| 1   |  2  |']);
  assert.deepEqual(doing('Delete row'), ['| a   |   b |', '| --- | --: |']);
  assert.deepEqual(doing('Delete column'), ['| a   |', '| --- |', '| 1   |']);
});

test('columns are as wide as letters of East Asia', () => {
  const { text } = writeTable({
    rows: [
      ['梨子', 'x'],
      ['pear', 'y'],
    ],
    aligns: ['', ''],
    indent: '',
  });
  assert.equal(text, '| 梨子 | x   |\n| ---- | --- |\n| pear | y   |');
});

test('the preview knows the line of each block, behind lines of YAML, too', () => {
  const blocks = toBlocks('---\ntitle: x\n---\n# One\n\ntext\n\n- a\n- b\n');
  assert.deepEqual(
    blocks.map(({ line }) => line),
    [3, 5, 7],
  );
  assert.match(blocks[2].html, /<li data-line="1">/);
  assert.equal(toBlocks('---\n\ntext\n\n---\n')[0].html.slice(0, 3), '<hr');
});

test('HTML is text but for a few tags in pairs', () => {
  const html = (/** @type {string} */ text) =>
    toBlocks(text)
      .map((block) => block.html)
      .join('');
  assert.equal(html('<script>alert(1)</script>'), '<p data-line="0">&lt;script&gt;alert(1)&lt;/script&gt;</p>\n');
  assert.equal(
    html('<u>a</u> <u>b <img src=x onerror=alert(1)>'),
    '<p data-line="0"><u>a</u> &lt;u&gt;b &lt;img src=x onerror=alert(1)&gt;</p>\n',
  );
  assert.doesNotMatch(html('[a](javascript:alert(1)) ![b](javascript:alert(1))'), /href|src/);
  assert.doesNotMatch(html('![b](https://elsewhere.example/a.png)'), /<img/);
  assert.match(html('![b" onerror="alert(1)](/api/v1/a)'), /alt="b&quot; onerror=&quot;alert\(1\)"/);
  assert.match(html('```"><script>\nx\n```'), /data-language="&quot;&gt;&lt;script&gt;"/);
});

test('formulas are found as on public pages', () => {
  const count = (/** @type {string} */ text) =>
    (
      toBlocks(text)
        .map(({ html }) => html)
        .join('')
        .match(/class="formula"/g) ?? []
    ).length;
  assert.equal(count('$x^2$ and $$y$$'), 2);
  for (const text of ['5$ and 6$', '$ a$', '\\$b$', '`$c$`', 'a $ b']) assert.equal(count(text), 0, text);
  assert.equal(count('$$\n\\frac{1}{2}\n$$'), 1);
  assert.equal(count('$<b>$'), 1);
  assert.doesNotMatch(toBlocks('$<b>$')[0].html, /<b>/);
});

test('the last of many is found where something holds', () => {
  const list = [1, 3, 5, 7];
  for (const [most, at] of [
    [0, -1],
    [1, 0],
    [6, 2],
    [9, 3],
  ])
    assert.equal(
      lastWhere(list, (each) => each <= most),
      at,
    );
  assert.equal(
    lastWhere([], () => true),
    -1,
  );
});

test('lines and places on the screen are found from each other', () => {
  const marks = ascending([
    { line: 0, top: 0 },
    { line: 4, top: 100 },
    { line: 4, top: 120 },
    { line: 6, top: 90 },
    { line: 10, top: 400 },
  ]);
  assert.equal(marks.length, 3);
  assert.equal(between(marks, 'line', 'top', 2), 50);
  assert.equal(between(marks, 'line', 'top', 7), 250);
  assert.equal(between(marks, 'top', 'line', 250), 7);
  assert.equal(between(marks, 'line', 'top', 99), 400);
});

test('a language is offered behind the signs of code only', () => {
  /** @param {string} text */
  const offered = (text) => {
    const state = EditorState.create({ doc: text });
    const found = languages(/** @type {any} */ ({ state, pos: text.length }));
    return found && [found.from, found.options.some(({ label }) => label === 'python')];
  };
  assert.deepEqual(offered('a\n```py'), [5, true]);
  assert.deepEqual(offered('~~~ '), [4, true]);
  assert.equal(offered('some ```py'), null);
  assert.equal(offered('``py'), null);
});

test('a title with brackets is a link of Markdown', () => {
  assert.equal(linkTo('a [b] \\c', '/d/x'), '[a \\[b\\] \\\\c](/d/x)');
});
