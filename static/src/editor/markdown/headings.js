/** The headings of a Markdown text, for its contents. */

const MARKUP = /!?\[((?:[^[\]\\]|\\.)*)\](?:\([^()]*\)|\[[^[\]]*\])|[*_~`]{1,3}|<\/?[a-z]+>|\\([!-/:-@[-`{-~])/gi;

/** @param {string} marked */
const plain = (marked) =>
  marked
    .replace(MARKUP, (_, label, escaped) => label ?? escaped ?? '')
    .replace(/\s+/g, ' ')
    .trim();

/**
 * @param {string} text
 * @returns {{ level: number, text: string, at: number }[]} `at`: where its line begins
 */
export function headingsIn(text) {
  /** @type {{ level: number, text: string, at: number }[]} */
  const found = [];
  const front = /^---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|$)/s.exec(text)?.[0].length ?? 0;
  let fence = '';
  let at = front;
  let before = '';
  for (const line of text.slice(front).split('\n')) {
    const fenced = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    const atx = /^ {0,3}(#{1,6})(?:[ \t]+(.*))?$/.exec(line);
    if (fence) {
      if (fenced?.startsWith(fence) && !line.trim().replaceAll(fence[0], '')) fence = '';
    } else if (fenced) fence = fenced;
    else if (atx) {
      const title = (atx[2] ?? '').replace(/(^|[ \t]+)#+[ \t]*$/, '');
      found.push({ level: atx[1].length, text: plain(title), at });
    } else if (/^ {0,3}(?:=+|-+)[ \t]*$/.test(line) && /^ {0,3}[^\s>#|-]/.test(before))
      found.push({ level: line.includes('=') ? 1 : 2, text: plain(before), at: at - before.length - 1 });
    before = fence || fenced || atx ? '' : line;
    at += line.length + 1;
  }
  return found;
}
