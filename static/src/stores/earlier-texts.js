/** Earlier texts of a document and their differences. Answers are kept, so that going back in time needs no request. */
import * as api from '../lib/api.js';
import { nameOf } from '../lib/moments.js';
import { statusOf } from '../lib/request.js';

/** @import { ContentPoint } from '../lib/moments.js' */
/** @import { Difference } from '../lib/types.js' */

/**
 * @typedef {{ html: string } | { text: string } | { difference: Difference }} EarlierText
 */

/** Statuses of a text that is too large, or too much work, to be rendered. It is shown as it is written. */
const NOT_RENDERED = [413, 422];
/** Answers that are kept. */
const MOST = 100;

export class EarlierTexts {
  /**
   * @param {string} document the id
   * @param {object} [requests]
   * @param {typeof api.contentAt} [requests.fetchContent]
   * @param {typeof api.difference} [requests.fetchDifference]
   */
  constructor(document, { fetchContent = api.contentAt, fetchDifference = api.difference } = {}) {
    this.document = document;
    this.fetchContent = fetchContent;
    this.fetchDifference = fetchDifference;
    /** @type {Map<string, Promise<EarlierText>>} */
    this.kept = new Map();
  }

  /**
   * The text at a point.
   * @param {ContentPoint} point
   * @returns {Promise<EarlierText>}
   */
  read(point) {
    return this.keep(nameOf(point), async () => {
      try {
        return { html: await this.fetchContent(this.document, point, 'html') };
      } catch (error) {
        if (!NOT_RENDERED.includes(statusOf(error) ?? 0)) throw error;
        return { text: await this.fetchContent(this.document, point, 'markdown') };
      }
    });
  }

  /**
   * @param {string} from
   * @param {string} to
   * @returns {Promise<EarlierText>}
   */
  compare(from, to) {
    return this.keep(`${from} ${to}`, async () => ({
      difference: await this.fetchDifference(this.document, from, to),
    }));
  }

  /**
   * Whether the text is known already.
   * @param {ContentPoint} point
   * @param {string | null} since
   */
  has(point, since) {
    return since === null && this.kept.has(nameOf(point));
  }

  /**
   * @param {string} key
   * @param {() => Promise<EarlierText>} fetch
   */
  keep(key, fetch) {
    const known = this.kept.get(key);
    if (known) return known;
    const answer = fetch();
    this.kept.set(key, answer);
    answer.catch(() => {
      if (this.kept.get(key) === answer) this.kept.delete(key);
    });
    const [oldest] = this.kept.keys();
    if (this.kept.size > MOST) this.kept.delete(oldest);
    return answer;
  }

  /** Forgets what was compared with the present text, which has changed. */
  forgetPresent() {
    for (const key of this.kept.keys()) if (key.endsWith(' now')) this.kept.delete(key);
  }
}
