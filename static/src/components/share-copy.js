/** A button that copies a text. */
import { h } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { copied } from './dialog.js';
import { Icon } from './elements.js';

/** Milliseconds for which the button says what has happened. */
const SAYS = 2000;

/** @param {{ text: string, label: string, look?: 'primary' | 'small' | '' }} props */
export function CopyButton({ text, label, look = '' }) {
  const [said, say] = useState('');
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    say((await copied(text)) ? 'Copied' : 'Could not copy');
    clearTimeout(timer.current);
    timer.current = setTimeout(() => say(''), SAYS);
  };
  return h(
    'button',
    { class: `button ${look}`, type: 'button', onClick: copy },
    h(Icon, { name: 'link' }),
    h('span', { 'aria-live': 'polite' }, said || label),
  );
}
