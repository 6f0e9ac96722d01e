/** Draws formulas as MathML, which browsers show and screen readers read. KaTeX is loaded with the first one. */

/**
 * The nodes of HTML of KaTeX, in which the text of people is escaped. The page's policy allows no style attributes, which
 * KaTeX writes for formulas that it cannot read.
 * @param {string} html
 */
const parsed = (html) =>
  new DOMParser().parseFromString(html.replace(/ style="[^"]*"/g, ''), 'text/html').body.childNodes;

/**
 * Whether the formula could be read.
 * @param {Element} element
 * @param {string} latex
 * @param {{ wide: boolean }} how wide: a block of its own
 * @returns {Promise<boolean>}
 */
export async function drawFormula(element, latex, { wide }) {
  const { default: katex } = await import('katex');
  const drawn = katex.renderToString(latex, {
    output: 'mathml',
    displayMode: wide,
    throwOnError: false,
    errorColor: 'currentColor',
    maxSize: 20,
    maxExpand: 200,
  });
  element.replaceChildren(...parsed(drawn));
  element.setAttribute('title', latex);
  return element.querySelector('.katex-error') === null;
}
