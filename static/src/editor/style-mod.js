/**
 * CodeMirror writes its rules through `style-mod`, which uses a <style> element in documents and constructed sheets
 * in shadow roots. A strict Content-Security-Policy forbids the former, so documents are presented to it as roots
 * without a head. The bundler puts this module in the place of `style-mod`.
 */
// @ts-expect-error: the bundler's name for the package that this module replaces
import { StyleModule as Rules } from 'style-mod-original';

/** @type {WeakMap<object, object>} */
const roots = new WeakMap();

/** @param {Document} root */
function headless(root) {
  if (!roots.has(root)) {
    roots.set(root, {
      ownerDocument: root,
      get adoptedStyleSheets() {
        return root.adoptedStyleSheets;
      },
      set adoptedStyleSheets(sheets) {
        root.adoptedStyleSheets = sheets;
      },
    });
  }
  return roots.get(root);
}

export class StyleModule extends Rules {
  /**
   * @param {any} root
   * @param {object} modules
   * @param {object} [options]
   */
  static mount(root, modules, options) {
    super.mount(root.head ? headless(root) : root, modules, options);
  }
}
