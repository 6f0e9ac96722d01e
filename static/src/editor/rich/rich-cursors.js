/** Shows the cursors and selections of others. Names and colours come from other people, and are checked as elsewhere. */
import { Extension } from '@tiptap/core';
import { yCursorPlugin } from '@tiptap/y-tiptap';
import { h } from '../../lib/dom.js';
import { inkOn, safeColour, shownName } from '../../lib/identity.js';

/** @import { Awareness } from 'y-protocols/awareness' */

const NAME_SHOWN = 3500;

/** @param {{ name: string, color: string }} user */
function caret({ name, color }) {
  // Not as text: that would be read aloud and copied as a part of the document.
  const label = h('span', { class: 'remote-name', 'data-name': name });
  const element = h('span', { class: 'remote-caret inline', contenteditable: 'false', 'aria-hidden': 'true' }, label);
  element.style.setProperty('--person', color);
  element.style.setProperty('--ink', inkOn(color));
  label.animate?.([{ opacity: 1 }, { opacity: 1, offset: 0.92 }, { opacity: 0 }], NAME_SHOWN);
  return element;
}

/**
 * The awareness as the binding reads it: with names and colours that can be shown.
 * @param {Awareness} awareness
 */
function checked(awareness) {
  const states = () =>
    new Map(
      [...awareness.getStates()].map(([client, state]) => [
        client,
        {
          ...state,
          user: { name: shownName(state.user?.name) || 'Guest', color: safeColour(state.user?.color, client) },
        },
      ]),
    );
  return new Proxy(awareness, {
    get(target, name) {
      if (name === 'getStates') return states;
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** @param {Awareness} awareness */
export const remoteCursors = (awareness) =>
  Extension.create({
    name: 'remoteCursors',
    addProseMirrorPlugins: () => [
      yCursorPlugin(checked(awareness), {
        cursorBuilder: caret,
        selectionBuilder: ({ color }) => ({ class: 'remote-selection', style: `--person: ${color}` }),
      }),
    ],
  });
