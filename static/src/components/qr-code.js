/** A QR code of a text. */
import { h } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { bring } from '../lib/bring.js';

/** Light cells around the code, which readers need. */
const BORDER = 2;

/** @param {{ text: string, label: string }} props */
export function QrCode({ text, label }) {
  const [cells, setCells] = useState(/** @type {boolean[][]} */ ([]));
  useEffect(() => {
    let isGone = false;
    bring(() => import('uqr')).then(({ encode }) => {
      if (!isGone) setCells(encode(text, { ecc: 'M', border: BORDER }).data);
    });
    return () => {
      isGone = true;
    };
  }, [text]);
  const path = cells.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join('');
  return h(
    'svg',
    {
      class: 'qr-code',
      viewBox: `0 0 ${cells.length || 1} ${cells.length || 1}`,
      role: 'img',
      'aria-label': label,
      'shape-rendering': 'crispEdges',
    },
    path && h('path', { d: path }),
  );
}
