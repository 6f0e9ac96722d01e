/** Makes HTML of Markdown beside the page, which stays fast whatever the text is. */
import { toBlocks } from './markdown-html.js';

/**
 * What has changed since the text before. `head`, `tail`: blocks at both ends that are as they were. `fresh`: the HTML of
 * those between. `lines`: where each block begins.
 * @typedef {{ head: number, tail: number, fresh: string[], lines: Uint32Array }} Change
 */

/** @type {string[]} */
let before = [];

addEventListener('message', ({ data }) => {
  const blocks = toBlocks(data);
  const now = blocks.map(({ html }) => html);
  const most = Math.min(now.length, before.length);
  let head = 0;
  while (head < most && now[head] === before[head]) head += 1;
  let tail = 0;
  while (tail < most - head && now.at(-1 - tail) === before.at(-1 - tail)) tail += 1;
  before = now;
  const lines = Uint32Array.from(blocks, ({ line }) => line);
  /** @type {Change} */
  const change = { head, tail, fresh: now.slice(head, now.length - tail), lines };
  postMessage(change, { transfer: [lines.buffer] });
});
