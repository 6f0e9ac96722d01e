import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EditorState, TextSelection } from '@tiptap/pm/state';
import * as Y from 'yjs';
import { headingOf, isEmpty, kindOf, plainText } from '../src/editor/content.js';
import { matching } from '../src/editor/rich/actions.js';
import { headingsIn } from '../src/editor/markdown/headings.js';
import { moveBlocks } from '../src/editor/rich/blocks/move-block.js';
import { offeredColour, shownColour, TEXT_COLOURS } from '../src/editor/rich/colours.js';
import { addressFrom, isOwnPicture, isSafe } from '../src/editor/rich/addresses.js';
import { findIn } from '../src/editor/rich/find/finding.js';
import { languageOf } from '../src/editor/rich/languages.js';
import { looksLikeMarkdown, nodesOf } from '../src/editor/rich/paste/markdown-nodes.js';
import { altOf } from '../src/editor/rich/tools/rich-files.js';
import { schema } from '../src/editor/rich/schema.js';
import { slashAt } from '../src/editor/rich/slash.js';
import { strangeIn } from '../src/editor/rich/strange.js';

/** An element with children; strings become texts. */
function element(name, children = [], attributes = {}) {
  const made = new Y.XmlElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.insert(
    0,
    children.map((child) => (typeof child === 'string' ? new Y.XmlText(child) : child)),
  );
  return made;
}

function rich(...nodes) {
  const doc = new Y.Doc();
  doc.getXmlFragment('default').insert(0, nodes);
  return doc;
}

test('what is in a document says how it is edited; its setting counts while it is empty', () => {
  const doc = new Y.Doc();
  assert.equal(kindOf(doc), 'markdown');
  assert.equal(kindOf(doc, 'edit'), 'markdown');
  assert.equal(kindOf(doc, 'wysiwyg'), 'rich');
  assert.ok(isEmpty(doc));
  doc.getXmlFragment('default').insert(0, [element('paragraph')]);
  assert.equal(kindOf(doc), 'rich');
  doc.getXmlFragment('default').delete(0, 1);
  assert.equal(kindOf(doc, 'edit'), 'rich', 'an emptied root is still the one that editors show');
  doc.getText('content').insert(0, 'a');
  assert.equal(kindOf(doc, 'wysiwyg'), 'markdown', 'as on the server, the text counts first');
  const other = new Y.Doc();
  other.getXmlFragment('prosemirror').insert(0, [element('paragraph', ['x'])]);
  assert.equal(kindOf(other), 'rich');
  assert.equal(plainText(other), 'x');
  const strings = new Y.Doc();
  strings.getText('default').insert(0, 'a text, though by this name');
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(strings));
  assert.equal(kindOf(copy), 'markdown');
});

test('rich text has a line for each block, and the title of its first heading', () => {
  const cell = element('tableCell', [element('paragraph', ['in a cell'])]);
  const doc = rich(
    element('paragraph', ['one', element('hardBreak'), 'two']),
    element('heading', ['  '], { level: 1 }),
    element('blockquote', [element('heading', ['The \n title '], { level: 2 })]),
    element('table', [element('tableRow', [cell])]),
  );
  assert.equal(plainText(doc), 'one\ntwo\n  \nThe \n title \nin a cell');
  assert.equal(headingOf(doc), 'The title');
  assert.equal(headingOf(rich(element('paragraph', ['# none']))), null);
  const markdown = new Y.Doc();
  markdown.getText('content').insert(0, 'text\n\n## Title');
  assert.equal(headingOf(markdown), 'Title');
});

test('what the binding would delete is found before', () => {
  const strange = (...nodes) => strangeIn(schema, rich(...nodes).getXmlFragment('default'));
  assert.equal(strange(element('paragraph', ['x'])), null);
  assert.equal(strange(element('card', [element('paragraph', ['x'])])), 'card');
  assert.equal(strange(element('blockquote', [element('paragraph', [element('mention')])])), 'mention');
  assert.equal(strange(element('bulletList', [element('listItem', ['no paragraph'])])), 'an order of blocks');
  const marked = (format) => {
    const text = new Y.XmlText();
    const doc = rich(element('paragraph', [text]));
    text.insert(0, 'x', format);
    return strangeIn(schema, doc.getXmlFragment('default'));
  };
  assert.equal(marked({ bold: {}, textStyle: { color: 'red' } }), null);
  assert.equal(marked({ 'highlight--abcdefg=': { color: 'red' } }), null);
  assert.equal(marked({ comment: { id: 1 } }), 'comment');
  assert.equal(strangeIn(schema, new Y.Doc().getXmlFragment('default')), null);
});

test('links lead to the web, to mailboxes and to places on this server', () => {
  for (const good of ['https://a.org', 'http://a', 'mailto:a@b.c', 'tel:+1', '/d/x', '#a', 'a/b'])
    assert.ok(isSafe(good), good);
  const bad = ['javascript:alert(1)', ' java\nscript:alert(1)', 'java\u200bscript:x', 'data:text/html,x', 'vbscript:x'];
  for (const each of [...bad, 'file:///etc', 'blob:x', '', null, 7]) assert.ok(!isSafe(each), String(each));
  assert.equal(addressFrom(' example.org/a?b '), 'https://example.org/a?b');
  assert.equal(addressFrom('ann@example.org'), 'mailto:ann@example.org');
  assert.equal(addressFrom('https://a.org/ b'), null);
  assert.equal(addressFrom('/d/plan'), '/d/plan');
  assert.equal(addressFrom('javascript:alert(1)'), null);
  assert.equal(addressFrom('  '), null);
});

test('the page loads pictures of this server and those in the document', () => {
  const origin = 'https://docs.example.org';
  for (const own of ['/api/v1/attachments/x/content', `${origin}/a.png`, 'data:image/png;base64,AA'])
    assert.ok(isOwnPicture(own, origin), own);
  for (const other of ['https://evil.example/a.png', '//evil.example/a.png', 'data:image/svg+xml,x', '', null])
    assert.ok(!isOwnPicture(other, origin), String(other));
  assert.equal(altOf('garden_plan 2.PNG'), 'garden plan 2');
});

test('typed words find actions', () => {
  const actions = [
    { label: 'Heading 1', words: 'h1 title' },
    { label: 'Table', words: 'grid' },
    { label: 'Task list', words: 'todo check' },
    { label: 'Bulleted list', words: 'ul' },
  ];
  const found = (typed) => matching(actions, typed).map(({ label }) => label);
  assert.equal(found('').length, 4);
  assert.deepEqual(found('ta'), ['Table', 'Task list']);
  assert.deepEqual(found('LIST'), ['Task list', 'Bulleted list']);
  assert.deepEqual(found('todo'), ['Task list']);
  assert.deepEqual(found('h1'), ['Heading 1']);
  assert.deepEqual(found('heading1'), ['Heading 1']);
  assert.deepEqual(found('nothing'), []);
});

test('a slash opens the menu at the beginning and behind a space, not in code', () => {
  const at = (text, type = 'paragraph') => {
    const doc = schema.nodes.doc.create(null, [schema.nodes[type].create(null, text ? [schema.text(text)] : [])]);
    const state = EditorState.create({ doc });
    return slashAt(state.apply(state.tr.setSelection(TextSelection.create(doc, 1 + text.length))));
  };
  assert.deepEqual(at('/'), { from: 1, typed: '' });
  assert.deepEqual(at('see /tab'), { from: 5, typed: 'tab' });
  assert.deepEqual(at('/heading 2'), { from: 1, typed: 'heading 2' });
  for (const none of ['', 'a/b', 'either/', '/a.b', 'http://x']) assert.equal(at(none), null, none);
  assert.equal(at('/x', 'codeBlock'), null);
});

test('words are found without regard to capitals, or with it', () => {
  assert.deepEqual(findIn('a.b A.B axb', 'a.b'), [
    [0, 3],
    [4, 7],
  ]);
  assert.deepEqual(findIn('a.b A.B', 'A.B', true), [[4, 7]]);
  assert.deepEqual(findIn('aaa', 'aa'), [[0, 2]]);
  assert.deepEqual(findIn('x-y/z (q)', '-y/z (q)'), [[1, 9]]);
  assert.deepEqual(findIn('abc', ''), []);
});

test('code has the language that people mean', () => {
  assert.deepEqual(['JS', 'python', 'weird', '', null].map(languageOf), ['javascript', 'python', 'weird', '', '']);
});

test('pasted Markdown becomes nodes that fit', () => {
  for (const yes of ['# a', '- a\n- b', '- [ ] a', '```\nx\n```', '> a', '|a|\n|-|', 'a **b** c', '[a](https://b.c)'])
    assert.ok(looksLikeMarkdown(yes), yes);
  for (const no of ['plain text', '5 * 3 = 15', '#tag', 'a - b', '- one line', 'a_b_c', 'https://b.c'])
    assert.ok(!looksLikeMarkdown(no), no);
  const read = (text) => {
    const content = nodesOf(text, schema);
    if (content.childCount > 0) schema.nodes.doc.create(null, content).check();
    return content.toString();
  };
  assert.equal(read('# A *b*\n\nc\\*d `e`'), '<heading("A ", italic("b")), paragraph("c*d ", code("e"))>');
  assert.equal(read('**a [b](https://c.d)**'), '<paragraph(bold("a "), link(bold("b")))>');
  assert.equal(
    read('- a\n- [x] b\n  1. c'),
    '<bulletList(listItem(paragraph("a"))), taskList(taskItem(paragraph("b"), orderedList(listItem(paragraph("c")))))>',
  );
  assert.equal(
    read('|a|b|\n|-|-|\n|c|'),
    '<table(tableRow(tableHeader(paragraph("a")), tableHeader(paragraph("b"))), ' +
      'tableRow(tableCell(paragraph("c")), tableCell(paragraph)))>',
  );
  assert.equal(read('```js\na\n\nb\n```\n\n---'), '<codeBlock("a\\n\\nb"), horizontalRule>');
  assert.equal(read('> a\n> b'), '<blockquote(paragraph("a b"))>');
  assert.equal(read('a ![p](/x.png) b'), '<paragraph("a"), image, paragraph("b")>');
  assert.equal(read('[x](javascript:alert(1))'), '<paragraph("x")>');
  assert.equal(read('![x](javascript:alert(1))'), '<paragraph("x")>');
  assert.equal(read('~~a~~ <b>c</b>'), '<paragraph(strike("a"), " <b>c</b>")>');
  assert.equal(read(''), '<>');
});

test('pasted Markdown has callouts and formulas', () => {
  const text = '> [!TIP]\n> Do *it* $a*b*c$ for 5$ and 6$\n>\n> x\n\n$$\na\n b\n$$\n\n> [!OTHER]\n> q';
  const shown = nodesOf(text, schema).toString();
  assert.equal(
    shown,
    '<callout(paragraph("Do ", italic("it"), " ", inlineMath, " for 5$ and 6$"), paragraph("x")), blockMath, ' +
      'blockquote(paragraph("[!OTHER] q"))>',
  );
  const [callout, formula] = nodesOf(text, schema).content;
  assert.equal(callout.attrs.type, 'tip');
  assert.equal(formula.attrs.latex, 'a\nb');
});

test('blocks move past their neighbours, and out of lists only as a whole', () => {
  const p = (text) => schema.nodes.paragraph.create(null, schema.text(text));
  const item = (text) => schema.nodes.listItem.create(null, p(text));
  const list = schema.nodes.bulletList.create(null, [item('a'), item('b')]);
  const doc = schema.nodes.doc.create(null, [p('first'), list, p('last')]);
  let state = EditorState.create({ doc });
  const caretIn = (text) => {
    let at = 0;
    state.doc.descendants((node, place) => {
      if (node.text === text) at = place;
    });
    state = state.apply(state.tr.setSelection(TextSelection.create(state.doc, at)));
  };
  const move = (step) => {
    const tr = moveBlocks(state, step);
    if (tr) state = state.apply(tr);
    state.doc.check();
    return state.doc.textBetween(0, state.doc.content.size, ' ');
  };
  caretIn('b');
  assert.equal(move(-1), 'first b a last');
  assert.equal(state.selection.$from.parent.textContent, 'b');
  assert.equal(move(-1), 'b a first last');
  assert.equal(moveBlocks(state, -1), null);
  assert.equal(move(1), 'a b first last');
  caretIn('first');
  assert.equal(move(1), 'a b last first');
  assert.equal(moveBlocks(state, 1), null);
});

test('colours have a counterpart on dark pages, and foreign ones are checked', () => {
  const [, red] = TEXT_COLOURS[2];
  assert.match(shownColour(red, TEXT_COLOURS), /^light-dark\(#b42336, #/);
  assert.equal(shownColour('rgb(1, 2, 3)', TEXT_COLOURS), 'rgb(1, 2, 3)');
  assert.equal(shownColour('red; position: fixed', TEXT_COLOURS), null);
  assert.equal(shownColour('url(x)', TEXT_COLOURS), null);
  assert.equal(offeredColour('rgb(180, 35, 54)', TEXT_COLOURS), red);
  assert.equal(offeredColour('rgb(0, 0, 0)', TEXT_COLOURS), null);
});

test('headings of a Markdown text are found with their places', () => {
  const text = '---\na: b\n---\n# One *two*\n\n```\n# code\n```\n\nThree\n---\n\n- x\n---\n### `four` ##\n#five';
  const found = headingsIn(text);
  assert.deepEqual(
    found.map(({ level, text: title }) => [level, title]),
    [
      [1, 'One two'],
      [2, 'Three'],
      [3, 'four'],
    ],
  );
  for (const { at } of found) assert.match(text.slice(at), /^(?:# One|Three|### `four)/);
});
