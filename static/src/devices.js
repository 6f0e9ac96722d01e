/** A user agent as people know it. */

const BROWSERS = [
  [/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\//, 'Firefox'], [/Chrome\/|Chromium\//, 'Chrome'], [/Safari\//, 'Safari'], [/curl\//, 'curl'], [/python/i, 'Python'],
];
const SYSTEMS = [[/Android/, 'Android'], [/iPhone|iPad/, 'iOS'], [/Windows/, 'Windows'], [/Mac OS X/, 'macOS'], [/Linux/, 'Linux']];
const named = (list, agent) => list.find(([pattern]) => pattern.test(agent))?.[1];

/** @returns {string} such as "Firefox on Linux"; '' when nothing is recognized */
export function deviceOf(agent) {
  if (!agent) return '';
  const browser = named(BROWSERS, agent);
  const system = named(SYSTEMS, agent);
  return browser && system ? `${browser} on ${system}` : browser ?? system ?? '';
}
