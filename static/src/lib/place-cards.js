/** Places of cards in a column beside a text. */

/** Pixels between two cards. */
const GAP = 10;

/**
 * Distances from the top for cards of these heights, near the wanted ones, without an overlap. The chosen card is exactly
 * where it wants to be.
 * @param {{ wanted: number, height: number }[]} cards in their order
 * @param {number} chosen the index of a card; -1: none
 * @returns {number[]}
 */
export function placeCards(cards, chosen) {
  const tops = cards.map(({ wanted }) => wanted);
  const fixed = chosen < 0 ? 0 : chosen;
  for (let index = fixed + 1; index < cards.length; index += 1)
    tops[index] = Math.max(tops[index], tops[index - 1] + cards[index - 1].height + GAP);
  for (let index = fixed - 1; index >= 0; index -= 1)
    tops[index] = Math.min(tops[index], tops[index + 1] - cards[index].height - GAP);
  return tops;
}
