/** The icons of buttons, drawn with lines on a grid of 24. */

/** @typedef {keyof typeof PATHS} IconName */

/** The path of each icon. */
export const PATHS = {
  plus: 'M12 5v14M5 12h14',
  close: 'm6 6 12 12M18 6 6 18',
  more: 'M5.5 12h.01M12 12h.01M18.5 12h.01',
  down: 'm7 10 5 5 5-5',
  left: 'm14 7-5 5 5 5',
  right: 'm10 7 5 5-5 5',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  star: 'm12 4 2.47 5.01 5.53.8-4 3.9.94 5.5L12 16.61l-4.94 2.6.94-5.5-4-3.9 5.53-.8Z',
  search: 'M17.5 11a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0ZM16 16l4.5 4.5',
  person: 'M15.5 8.5a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0ZM5 19.5c.8-3.3 3.5-5 7-5s6.2 1.7 7 5',
  people:
    'M12.5 8.5a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0ZM2.5 19.5c.7-3.3 3-5 6.5-5s5.8 1.7 6.5 5M16 5.3a3.5 3.5 0 0 1 0 6.4M18 14.9c1.9.7 3 2.3 3.5 4.6',
  gear: 'M4 7h9M17 7h3M4 17h3M11 17h9M13 7a2 2 0 1 0 4 0 2 2 0 0 0-4 0ZM7 17a2 2 0 1 0 4 0 2 2 0 0 0-4 0Z',
  leave: 'M14 4.5H6.5v15H14M10.5 12H20M16.5 8.5 20 12l-3.5 3.5',
  shield: 'M12 3.5 19 6v5.5c0 4.3-2.9 7.4-7 9-4.1-1.6-7-4.7-7-9V6Z',
  trash: 'M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 11v5M13.5 11v5',
  restore: 'M4.5 5v5h5M5 10a7.5 7.5 0 1 1-.5 4',
  copy: 'M9 9h10.5v10.5H9ZM15 9V4.5H4.5V15H9',
  pencil: 'M5 19l1-4L16 5l3 3L9 18Z',
  move: 'M4.5 18.5v-13h5l2 2.5h8v10.5ZM9.5 13.5h6M13 11l2.5 2.5L13 16',
  tag: 'M4.5 4.5h7l8 8-7 7-8-8ZM8.5 8.5h.01',
  link: 'M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1-1',
  template: 'M5 4.5h14v5H5ZM5 13h6v6.5H5ZM14.5 13H19v6.5h-4.5Z',
  info: 'M20 12a8 8 0 1 1-16 0 8 8 0 0 1 16 0ZM12 11v5M12 8h.01',
  filter: 'M4 6.5h16M7 12h10M10 17.5h4',
  arrow: 'M5 12h14M13 6l6 6-6 6',
  document: 'M6.5 3.5h7l4 4v13h-11ZM13.5 3.5v4h4M9.5 12h5M9.5 16h5',
  download: 'M12 4.5v10.5M7.5 10.5 12 15l4.5-4.5M5 19.5h14',
  upload: 'M12 15V4.5M7.5 9 12 4.5 16.5 9M5 19.5h14',
  clock: 'M20 12a8 8 0 1 1-16 0 8 8 0 0 1 16 0ZM12 7.5V12l3 2',
  back: 'M19 12H5M11 6l-6 6 6 6',
  brush:
    'M4.5 19.5c3 0 5-1 5-3.2a2.3 2.3 0 0 0-2.5-2.3C5 14 5.500 17 4.500 19.500ZM9.500 14.500 17 5.500a1.600 1.600 0 0 1 2.400 2.200L11.500 16',
  slide: 'M3.5 12h6M14.500 12h6M14.500 12a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0ZM6 8v8',
  pin: 'M9 4.5h6l-.8 5.5 3.3 3.5h-11L9.8 10ZM12 13.5V20',
  comment: 'M5 5.5h14v10h-7.500L7.500 19v-3.500H5ZM8.500 9h7M8.500 12h4.500',
  smile:
    'M20 12a8 8 0 1 1-16 0 8 8 0 0 1 16 0ZM9 10h.01M15 10h.01M8.500 13.500c.7 1.600 2 2.500 3.500 2.500s2.800-.9 3.500-2.500',
  bell: 'M6.500 16.500V11a5.500 5.500 0 0 1 11 0v5.500l1.500 1H5ZM10 19.500c.4.7 1.100 1 2 1s1.600-.3 2-1',
  archive: 'M4.500 5.500h15v4h-15ZM6 9.500v9.500h12V9.500M10 13h4',
  clip: 'M17 8v8a5 5 0 0 1-10 0V7.500a3.500 3.500 0 0 1 7 0v8a2 2 0 0 1-4 0V8.500',
  picture: 'M4.500 5.500h15v13h-15ZM4.500 16l4.500-4.500 4 4 2.500-2.500 4 4M15 9.500h.01',
  film: 'M4.500 5.500h15v13h-15ZM10.500 9.500v5l4-2.500Z',
  sound:
    'M9.500 17.500V6l9-1.500V16M9.500 17.500a2.300 2 0 1 1-4.600 0 2.300 2 0 0 1 4.600 0ZM18.500 16a2.300 2 0 1 1-4.600 0 2.300 2 0 0 1 4.600 0Z',
  table: 'M4.500 5.500h15v13h-15ZM4.500 10h15M4.500 14.250h15M10.500 10v8.500',
  insert: 'M4.500 6.500h15M4.500 12h7M4.500 17.500h5M16.500 11.500v7M13 15h7',
  key: 'M10.5 15a4 4 0 1 1-1.5-7.7A4 4 0 0 1 12.5 10H20v3M17 10v2.5',
};

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Makes an icon, hidden from screen readers.
 * @param {IconName} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.dataset.icon = name;
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}
