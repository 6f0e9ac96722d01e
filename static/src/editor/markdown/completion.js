/** What the Markdown editor offers while one types: documents behind `[[`, and languages behind the signs of code. */
import { autocompletion } from '@codemirror/autocomplete';
import { pageOf } from '../../lib/addresses.js';
import * as api from '../../lib/api.js';
import { LANGUAGES } from '../../lib/code-languages.js';
import { titleOf } from '../../lib/document-types.js';

/** @import { CompletionContext, CompletionResult } from '@codemirror/autocomplete' */

const SHOWN = 10;
const FENCE = /^\s*(?:`{3,}|~{3,})\s*([\w+#-]*)$/;
const LINK = /\[\[([^\][\n]{0,80})$/;

/**
 * A link of Markdown.
 * @param {string} title
 * @param {string} address
 */
export const linkTo = (title, address) => `[${title.replace(/[\\[\]]/g, '\\$&')}](${address})`;

/**
 * @param {CompletionContext} context
 * @returns {CompletionResult | null}
 */
export function languages({ state, pos }) {
  const line = state.doc.lineAt(pos);
  const found = FENCE.exec(line.text.slice(0, pos - line.from));
  if (!found) return null;
  return {
    from: pos - (found[1] ?? '').length,
    options: LANGUAGES.filter(([name]) => name).map(([label, detail]) => ({ label, detail })),
    validFor: /^[\w+#-]*$/,
  };
}

/**
 * @param {CompletionContext} context
 * @returns {Promise<CompletionResult | null>}
 */
async function documents(context) {
  const { state, pos } = context;
  const line = state.doc.lineAt(pos);
  const found = LINK.exec(line.text.slice(0, pos - line.from));
  if (!found) return null;
  const asked = (found[1] ?? '').trim();
  try {
    const { items } = asked
      ? await api.searchTitles({ q: asked, limit: SHOWN })
      : await api.recentDocuments({ limit: SHOWN });
    if (context.aborted) return null;
    return {
      from: pos - found[0].length,
      // The server has searched, and may have found other forms of the words.
      filter: false,
      options: items.map((item) => {
        const doc = item.document ?? item;
        return { label: titleOf(doc), apply: linkTo(titleOf(doc), pageOf(doc.address)) };
      }),
    };
  } catch {
    // Without an account, or without the server, there is nothing to offer.
    return null;
  }
}

export const completion = autocompletion({
  override: [languages, documents],
  icons: false,
  activateOnTyping: true,
});
