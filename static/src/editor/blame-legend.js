/** The legend of the tints: the authors with their colours, and who wrote at the cursor. */
import { find, h, setText } from '../lib/dom.js';
import { icon } from '../components/icons.js';
import { authorName } from '../lib/history-words.js';

/** @import { HistoryAuthor } from '../lib/types.js' */

export class BlameLegend {
  /**
   * @param {object} options
   * @param {() => void} options.close
   * @param {() => void} options.again reads again after a failure
   */
  constructor({ close, again }) {
    this.list = h('ul', { 'aria-label': 'Authors' });
    this.here = h('p', { class: 'blame-here', role: 'status' });
    this.problem = h('p', { class: 'blame-problem', role: 'alert', hidden: true });
    this.again = again;
    this.element = h(
      'section',
      { class: 'blame-legend', 'aria-labelledby': 'blame-title' },
      h('h2', { id: 'blame-title' }, 'Who wrote what'),
      this.list,
      this.here,
      this.problem,
      h(
        'button',
        {
          class: 'icon-button',
          type: 'button',
          'aria-label': 'Hide who wrote what',
          title: 'Hide who wrote what',
          onclick: close,
        },
        icon('close'),
      ),
    );
    this.shown = '';
    this.isWaiting = false;
  }

  open() {
    find(document, 'main')?.prepend(this.element);
    document.body.dataset.blame = '';
  }

  close() {
    this.element.remove();
    delete document.body.dataset.blame;
    this.clear();
  }

  /** Says that the authors are being read, where none is shown yet. */
  wait() {
    this.isWaiting = true;
    if (this.list.childElementCount === 0) setText(this.here, 'Reading who wrote what…');
  }

  clear() {
    this.isWaiting = false;
    this.problem.hidden = true;
  }

  /** @param {string} text */
  fail(text) {
    this.isWaiting = false;
    this.problem.hidden = false;
    setText(this.here, '');
    this.problem.replaceChildren(
      text,
      h(
        'button',
        {
          class: 'button small',
          type: 'button',
          onclick: () => {
            find(this.element, '.icon-button')?.focus();
            this.problem.hidden = true;
            this.again();
          },
        },
        'Try again',
      ),
    );
  }

  /**
   * @param {{ author: HistoryAuthor, colour: string }[]} people
   * @param {string} here who wrote at the cursor
   */
  show(people, here) {
    const shown = JSON.stringify(people);
    if (shown !== this.shown) {
      this.shown = shown;
      this.list.replaceChildren(
        ...people.map(({ author, colour }) => {
          const row = h('li', {}, h('i', { 'aria-hidden': 'true' }), authorName(author));
          row.style.setProperty('--person', colour);
          return row;
        }),
      );
    }
    if (here) setText(this.here, `At the cursor: ${here}`);
    else if (!this.isWaiting) setText(this.here, people.length > 0 ? '' : 'Nobody has written here yet.');
  }
}
