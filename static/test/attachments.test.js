import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMarkdown } from '../src/lib/document-types.js';
import { SLICE, kindOf, markdownOf, meansFiles, nameOfPasted, nextSlice, onItsLine } from '../src/lib/file-words.js';
import { sized } from '../src/lib/format.js';
import { RequestError } from '../src/lib/request.js';
import { AttachmentStore } from '../src/stores/attachments.js';
import { Uploads } from '../src/stores/uploads.js';

const file = (name, more = {}) => ({
  file_name: name,
  content_type: 'text/plain',
  url: '/api/v1/attachments/1/content',
  ...more,
});
const unreachable = () => new RequestError(0, 'unreachable', 'The server cannot be reached.');
const turns = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

test('a picture is shown by its Markdown, and any other file is a link', () => {
  assert.equal(markdownOf(file('a.png', { content_type: 'image/png' })), '![a.png](/api/v1/attachments/1/content)');
  assert.equal(markdownOf(file('a.pdf')), '[a.pdf](/api/v1/attachments/1/content)');
  // Browsers show neither of them in a page.
  for (const type of ['image/svg+xml', 'image/heic'])
    assert.equal(markdownOf(file('a', { content_type: type }))[0], '[');
});

test('a name is nothing but text in a link', () => {
  const text = (name) => /^\[(.*)\]\(/s.exec(markdownOf(file(name)))[1];
  assert.equal(text('a [b] c'), 'a \\[b\\] c');
  assert.equal(text('](javascript:x)'), '\\](javascript:x)');
  assert.equal(text('a\\'), 'a\\\\');
  assert.equal(text('`*<b>'), '\\`\\*\\<b>');
  assert.equal(text('_a_ my_file_2.txt'), '\\_a\\_ my_file_2.txt');
  assert.equal(text('R&D &amp; x'), 'R&D \\&amp; x');
  assert.equal(text('two\nlines'), 'two lines');
});

test('one of several links is on a line of its own', () => {
  assert.equal(onItsLine('[a]', '', ''), '[a]');
  assert.equal(onItsLine('[a]', '\n', '\n'), '[a]');
  assert.equal(onItsLine('[a]', 'x', ''), '\n[a]');
  assert.equal(onItsLine('[a]', '', 'x'), '[a]\n');
  assert.equal(onItsLine('[a]', 'x', 'y'), '\n[a]\n');
});

test('a large file is sent in slices that cover it', () => {
  const size = 2 * SLICE + 5;
  const slices = [];
  for (let offset = 0; offset < size; [, offset] = slices.at(-1)) slices.push(nextSlice(offset, size));
  assert.deepEqual(slices, [
    [0, SLICE],
    [SLICE, 2 * SLICE],
    [2 * SLICE, size],
  ]);
  assert.deepEqual(nextSlice(SLICE + 3, size), [SLICE + 3, 2 * SLICE + 3]);
});

test('sizes are told in the largest unit', () => {
  assert.deepEqual([0, 1, 999, 1000, 1024, 1536, 1024 ** 2, 3.25 * 1024 ** 3].map(sized), [
    '0 bytes',
    '1 byte',
    '999 bytes',
    '1 KB',
    '1 KB',
    '1.5 KB',
    '1 MB',
    '3.3 GB',
  ]);
});

test('types have icons', () => {
  const icons = ['image/png', 'video/mp4', 'audio/mpeg', 'application/zip', 'text/csv', 'application/pdf', ''].map(
    (type) => kindOf(type).icon,
  );
  assert.deepEqual(icons, ['picture', 'film', 'sound', 'archive', 'table', 'document', 'document']);
});

test('text that is copied with a picture of itself is pasted as text', () => {
  assert.ok(meansFiles(['image.png'], ''));
  assert.ok(meansFiles(['a.txt', 'b c.txt'], 'a.txt\r\nb c.txt\r\n'));
  assert.ok(meansFiles(['a.txt'], 'file:///home/ann/a.txt'));
  assert.ok(!meansFiles(['image.png'], 'Two cells'));
  assert.ok(!meansFiles([], ''));
});

test('a picture from the clipboard is called by its time', () => {
  const now = new Date(2026, 0, 5, 9, 7, 3);
  assert.equal(nameOfPasted('image.png', now), 'Picture 2026-01-05 09.07.03.png');
  assert.equal(nameOfPasted('garden.png', now), 'garden.png');
});

test('the texts of passwords and files are no Markdown', () => {
  assert.deepEqual(
    ['markdown', 'note', 'task', 'password', 'file'].filter((type) => isMarkdown({ type })),
    ['markdown', 'note', 'task'],
  );
});

// ---- the list

const attachment = (id, more = {}) => ({ id, created_at: `2026-01-0${id}T00:00:00Z`, row_version: 1, ...more });
const change = (id) => ({ entity_type: 'attachment', entity_id: id, document_id: 'd', operation: 'create' });

function listOf(rows) {
  const asked = [];
  const requests = {
    attachments: async () => {
      asked.push('list');
      return { items: [...rows.values()], next_cursor: null };
    },
    attachment: async (id) => {
      asked.push(id);
      if (!rows.has(id)) throw new RequestError(404, 'not_found', 'Gone.');
      return rows.get(id);
    },
  };
  return { store: new AttachmentStore({ document: 'd', requests }), asked };
}
const idsOf = (store) => store.files.value.map(({ id }) => id);

test('the newest file comes first, and events cause reading of what they name', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const rows = new Map([['1', attachment('1')]]);
  const { store, asked } = listOf(rows);
  store.apply(change('1'));
  store.resync();
  context.mock.timers.runAll();
  assert.deepEqual(asked, [], 'nobody has asked for the list');
  await store.load();
  rows.set('2', attachment('2'));
  store.apply(change('2'));
  store.apply({ ...change('3'), document_id: 'another' });
  context.mock.timers.runAll();
  await turns();
  assert.deepEqual(asked, ['list', '2']);
  assert.deepEqual(idsOf(store), ['2', '1']);
  rows.delete('1');
  store.apply(change('1'));
  context.mock.timers.runAll();
  await turns();
  assert.deepEqual(idsOf(store), ['2']);
});

test('an older answer does not replace a newer one', () => {
  const { store } = listOf(new Map());
  store.put(attachment('1', { row_version: 3, file_name: 'new' }));
  store.put(attachment('1', { row_version: 2, file_name: 'old' }));
  assert.equal(store.files.value[0].file_name, 'new');
});

test('a file that comes while the list is read stays, and one that is deleted meanwhile stays away', async () => {
  const { store } = listOf(new Map([['1', attachment('1')]]));
  await store.load();
  const reading = store.load();
  store.put(attachment('2'));
  store.drop('1');
  await reading;
  assert.deepEqual(idsOf(store), ['2']);
});

// ---- uploads

function sender(requests, clean = false) {
  const done = [];
  const refused = [];
  const uploads = new Uploads({
    document: 'd',
    clean: () => clean,
    done: (_upload, made) => done.push(made.id),
    refused: (upload) => refused.push(upload.problem.value),
    requests,
  });
  return { uploads, done, refused };
}
const chosen = (name, size = 5, type = '') => ({ name, file: new File([new Uint8Array(size)], name, { type }) });

test('two files are sent at a time, and a refused one is sent again with its key', async () => {
  const started = [];
  const requests = {
    attach: (_document, _file, name, { key }) =>
      new Promise((resolve, reject) => {
        started.push({ name, key, resolve, reject });
      }),
  };
  const { uploads, done, refused } = sender(requests);
  const [first] = uploads.add(['a', 'b', 'c'].map((name) => chosen(name)));
  assert.deepEqual(
    started.map(({ name }) => name),
    ['a', 'b'],
  );
  started[0].reject(new RequestError(503, 'unavailable', 'Busy.'));
  await turns();
  assert.deepEqual([refused, first.state.value], [['Busy.'], 'refused']);
  assert.equal(started[2].name, 'c');
  started[1].resolve({ id: 'b' });
  started[2].resolve({ id: 'c' });
  await turns();
  assert.ok(!uploads.isBusy.value);
  uploads.retry(first);
  assert.ok(uploads.isBusy.value);
  assert.equal(started[3].key, started[0].key);
  started[3].resolve({ id: 'a' });
  await turns();
  assert.deepEqual(done, ['b', 'c', 'a']);
  assert.deepEqual(uploads.items.value, []);
});

test('a cancelled upload ends its request, and an answer that was on its way is taken back', async () => {
  const deleted = [];
  let answer;
  let ended;
  const requests = {
    attach: (_document, _file, _name, { signal }) => {
      ended = signal;
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
    deleteAttachment: async (id) => deleted.push(id),
  };
  const { uploads, done } = sender(requests);
  const [upload] = uploads.add([chosen('a')]);
  uploads.cancel(upload);
  assert.ok(ended.aborted);
  answer({ id: 'a' });
  await turns();
  assert.deepEqual([deleted, done], [['a'], []]);
});

/** A server that takes slices and loses some of the answers. */
function slicedServer(size, faults) {
  const sent = [];
  let offset = 0;
  const state = () => ({ id: 'u', offset, size_bytes: size, attachment: offset === size ? { id: 'made' } : null });
  const requests = {
    beginUpload: async () => state(),
    upload: async () => state(),
    continueUpload: async (_id, from, part) => {
      sent.push(from);
      if (from !== offset) throw new RequestError(409, 'conflict', 'Another offset.');
      const fault = faults.shift();
      if (fault === 'lost') throw unreachable();
      offset += part.size;
      if (fault === 'answer lost') throw unreachable();
      return state();
    },
    giveUpUpload: async () => null,
  };
  return { requests, sent };
}

test('a large file goes on at the offset of the server after each loss', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const size = 2 * SLICE + 5;
  const { requests, sent } = slicedServer(size, [null, 'lost', 'answer lost', null]);
  const { uploads, done } = sender(requests);
  const [upload] = uploads.add([chosen('film', size)]);
  for (let loss = 0; loss < 2; loss += 1) {
    await turns();
    assert.equal(upload.state.value, 'lost');
    context.mock.timers.runAll();
  }
  await turns();
  assert.deepEqual(sent, [0, SLICE, SLICE, 2 * SLICE]);
  assert.deepEqual(done, ['made']);
});

test('a large picture in slices still loses what it says about its place', async () => {
  const size = SLICE + 1;
  const asked = [];
  const { requests } = slicedServer(size, []);
  requests.beginUpload = async (_document, { size: bytes }, name, clean) => {
    asked.push([name, bytes, clean]);
    return { id: 'u', offset: 0, size_bytes: size, attachment: null };
  };
  const { uploads, done } = sender(requests, true);
  uploads.add([chosen('large.jpg', size, 'image/jpeg')]);
  await turns();
  assert.deepEqual([asked, done], [[['large.jpg', size, true]], ['made']]);
});
