// Plurals and sentences.

import { whole } from "./numbers.js";

/** "1 word", "2 words". */
export function plural(number, noun) {
  return `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** "2 comments, 1 table", of what was left out of a document. */
export function describe(leftOut) {
  return Object.entries(leftOut)
    .map(([name, count]) => plural(count, name.replace(/s$/, "")))
    .join(", ");
}

/** With a capital and a full stop. */
export function asSentence(words) {
  const closed = /[.!?]$/.test(words) ? words : `${words}.`;
  return closed[0].toUpperCase() + closed.slice(1);
}
