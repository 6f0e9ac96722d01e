/** A field for the text of a comment. "@" offers people who may read the document. */
import { h } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../lib/request.js';
import { contentOf, mentionAt, textOf } from '../lib/mentions.js';
import { Avatar } from './elements.js';

/** @import { Person } from '../lib/discussion-types.js' */
/** @import { Draft } from '../lib/drafts.js' */
/** @import { Named } from '../lib/mentions.js' */

let count = 0;
/** @type {Draft} */
const NOTHING = { text: '', named: [] };

/**
 * @param {object} props
 * @param {string} props.label
 * @param {string} props.verb the text of the button
 * @param {string} [props.content] a comment's content that is edited
 * @param {Draft} [props.kept] what was typed before
 * @param {(draft: Draft) => void} [props.keep] called while somebody types
 * @param {boolean} [props.focused]
 * @param {boolean} [props.compact] without buttons until there is a text
 * @param {(q: string) => Promise<Person[]>} props.people
 * @param {(content: string) => Promise<unknown>} props.submit
 * @param {() => void} [props.cancel]
 */
export function Composer({ label, verb, content = '', kept, keep, focused, compact, people, submit, cancel }) {
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const id = useRef('');
  id.current ||= `mentions-${(count += 1)}`;
  const named = useRef(/** @type {Named[]} */ ([]));
  const [text, setText] = useState(() => {
    const begun = kept ?? textOf(content);
    named.current = begun.named;
    return begun.text;
  });
  const [offered, setOffered] = useState(/** @type {Person[]} */ ([]));
  const [chosen, setChosen] = useState(0);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState('');
  const asked = useRef(0);

  useLayoutEffect(() => {
    const { current } = field;
    if (!current) return;
    current.style.height = 'auto';
    current.style.height = `${Math.min(current.scrollHeight + 2, 260)}px`;
  }, [text]);
  useEffect(() => {
    const { current } = field;
    if (!focused || !current) return;
    current.focus({ preventScroll: true });
    current.setSelectionRange(current.value.length, current.value.length);
  }, [focused]);

  const offer = async () => {
    const { current } = field;
    const wanted = current && mentionAt(current.value, current.selectionStart);
    asked.current += 1;
    const number = asked.current;
    if (!wanted) {
      setOffered([]);
      return;
    }
    const found = await people(wanted.q).catch(() => []);
    if (number !== asked.current) return;
    setOffered(found);
    setChosen(0);
  };
  const write = (/** @type {string} */ value) => {
    setText(value);
    setProblem('');
    keep?.({ text: value, named: named.current });
  };
  const mention = (/** @type {Person} */ person) => {
    const { current } = field;
    const wanted = current && mentionAt(current.value, current.selectionStart);
    if (!current || !wanted) return;
    named.current = [...named.current.filter((each) => each.id !== person.id), { id: person.id, name: person.name }];
    const before = `${current.value.slice(0, wanted.from)}@${person.name} `;
    const after = current.value.slice(current.selectionStart);
    asked.current += 1;
    setOffered([]);
    write(before + after);
    requestAnimationFrame(() => {
      current.focus();
      current.setSelectionRange(before.length, before.length);
    });
  };
  const send = async () => {
    if (isBusy || text.trim() === '') return;
    setBusy(true);
    try {
      await submit(contentOf(text.trim(), named.current));
      named.current = [];
      setText('');
      keep?.(NOTHING);
    } catch (error) {
      setProblem(messageOf(error));
    } finally {
      setBusy(false);
    }
  };
  const leave = () => {
    keep?.(NOTHING);
    cancel?.();
  };
  const typed = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (offered.length > 0 && step) setChosen((chosen + step + offered.length) % offered.length);
    else if (offered.length > 0 && (event.key === 'Enter' || event.key === 'Tab')) mention(offered[chosen]);
    else if (offered.length > 0 && event.key === 'Escape') setOffered([]);
    else if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) send();
    else if (event.key === 'Escape' && cancel) leave();
    else {
      // Letters are shortcuts of the thread around.
      event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const isOpen = offered.length > 0;
  return h(
    'form',
    {
      class: 'composer',
      onSubmit: (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        send();
      },
    },
    h('textarea', {
      ref: field,
      value: text,
      rows: 1,
      maxLength: 20000,
      placeholder: label,
      'aria-label': label,
      role: 'combobox',
      'aria-expanded': String(isOpen),
      'aria-controls': id.current,
      'aria-autocomplete': 'list',
      'aria-activedescendant': isOpen ? `${id.current}-${chosen}` : undefined,
      'aria-invalid': problem ? 'true' : undefined,
      onInput: (/** @type {Event} */ { currentTarget }) => {
        write(/** @type {HTMLTextAreaElement} */ (currentTarget).value);
        offer();
      },
      onClick: offer,
      onBlur: () => setOffered([]),
      onKeyDown: typed,
    }),
    h(
      'ul',
      { class: 'mentions', role: 'listbox', id: id.current, 'aria-label': 'People', hidden: !isOpen },
      offered.map((person, index) =>
        h(
          'li',
          {
            key: person.id,
            id: `${id.current}-${index}`,
            role: 'option',
            'aria-selected': String(index === chosen),
            onMouseDown: (/** @type {MouseEvent} */ event) => {
              event.preventDefault();
              mention(person);
            },
          },
          h(Avatar, { name: person.name, picture: person.avatar_url }),
          h('span', {}, person.name),
          person.username && h('small', {}, `@${person.username}`),
        ),
      ),
    ),
    problem && h('p', { class: 'composer-problem', role: 'alert' }, problem),
    (!compact || text !== '') &&
      h(
        'div',
        { class: 'composer-actions' },
        cancel && h('button', { class: 'button quiet', type: 'button', onClick: leave }, 'Cancel'),
        h(
          'button',
          { class: 'button primary', type: 'submit', disabled: isBusy || text.trim() === '', title: 'Ctrl+Enter' },
          verb,
        ),
      ),
  );
}
