/** The names of the languages of code blocks. */

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
