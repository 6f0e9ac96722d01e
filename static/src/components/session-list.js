/** The sessions of the current user, on the account page. */
import { h } from 'preact';
import * as api from '../lib/api.js';
import { h as element } from '../lib/dom.js';
import { Badge, Time } from './elements.js';
import { lineList } from './line-list.js';
import { section } from './settings.js';
import { toast, tryTo } from './toast.js';

/** @import { UserSession } from '../lib/account-types.js' */
/** @import { PagedStore } from '../stores/paged-store.js' */

/** Sessions that began by a link which an operator or an administrator has made. @type {Record<string, string>} */
const LINKS = {
  administrator_link: 'By an administrator’s link',
  operator_link: 'By an operator’s link',
  first_start_link: 'By the first start’s link',
};

/** @param {{ session: UserSession, end: () => void }} props */
const SessionRow = ({ session, end }) =>
  h(
    'li',
    { class: 'line', 'data-id': session.id },
    h(
      'div',
      { class: 'line-text' },
      h(
        'b',
        {},
        session.device_name || session.device || 'Unknown browser',
        session.current && h(Badge, { text: 'This browser' }),
        LINKS[session.signed_in_by] && h(Badge, { text: LINKS[session.signed_in_by] }),
      ),
      h(
        'p',
        {},
        session.ip_address && `${session.ip_address} · `,
        h(Time, { at: session.last_activity_at ?? session.created_at, before: 'Active ' }),
      ),
    ),
    !session.current &&
      h(
        'button',
        {
          class: 'button small',
          type: 'button',
          'aria-label': `Sign out ${session.device_name || 'this session'}`,
          onClick: end,
        },
        'Sign out',
      ),
  );

/**
 * Makes the section with the sessions. The caller loads the store.
 * @param {PagedStore<UserSession>} store
 * @returns {HTMLElement}
 */
export function sessionsSection(store) {
  const end = async (/** @type {UserSession} */ { id }) => {
    await tryTo(() => api.endSession(id));
    await store.load();
  };
  const endOthers = async () => {
    await tryTo(async () => {
      await api.endOtherSessions();
      toast('Signed out everywhere else.');
    });
    await store.load();
  };
  return section(
    'Sessions',
    'Where you are signed in. Sign out sessions that you do not know or do not use. API tokens that they have created are revoked.',
    lineList({
      store,
      label: 'Sessions',
      empty: 'No sessions.',
      renderRow: (session) => h(SessionRow, { key: session.id, session, end: () => end(session) }),
    }),
    element('button', { class: 'button small', type: 'button', onclick: endOthers }, 'Sign out everywhere else'),
  );
}
