/** The languages of code blocks: those that are coloured, and their names. */
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import go from 'highlight.js/lib/languages/go';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import markdown from 'highlight.js/lib/languages/markdown';
import php from 'highlight.js/lib/languages/php';
import plaintext from 'highlight.js/lib/languages/plaintext';
import python from 'highlight.js/lib/languages/python';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';
import { createLowlight } from 'lowlight';

const lowlight = createLowlight({
  bash,
  c,
  csharp,
  css,
  diff,
  go,
  java,
  javascript,
  json,
  markdown,
  php,
  plaintext,
  python,
  ruby,
  rust,
  sql,
  typescript,
  xml,
  yaml,
});

/** Code without a language is not coloured: a guess would take long, and change while somebody types. */
export const colouring = {
  ...lowlight,
  highlightAuto: (/** @type {string} */ text) => lowlight.highlight('plaintext', text),
};

/** @type {[string, string][]} the name that is stored, and the one that is shown */
export const LANGUAGES = [
  ['', 'Plain text'],
  ['bash', 'Bash'],
  ['c', 'C'],
  ['csharp', 'C#'],
  ['css', 'CSS'],
  ['diff', 'Diff'],
  ['go', 'Go'],
  ['xml', 'HTML, XML'],
  ['java', 'Java'],
  ['javascript', 'JavaScript'],
  ['json', 'JSON'],
  ['markdown', 'Markdown'],
  ['php', 'PHP'],
  ['python', 'Python'],
  ['ruby', 'Ruby'],
  ['rust', 'Rust'],
  ['sql', 'SQL'],
  ['typescript', 'TypeScript'],
  ['yaml', 'YAML'],
];

/** @type {Record<string, string>} other names that people and programs write */
const OTHERS = {
  js: 'javascript',
  ts: 'typescript',
  py: 'python',
  sh: 'bash',
  html: 'xml',
  yml: 'yaml',
  rb: 'ruby',
  'c#': 'csharp',
};

/**
 * The entry of a language in LANGUAGES; the name itself where it has none.
 * @param {string | null | undefined} name
 */
export const languageOf = (name) => OTHERS[(name ?? '').toLowerCase()] ?? (name ?? '').toLowerCase();
