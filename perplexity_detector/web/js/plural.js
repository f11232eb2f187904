// Plurals and sentences.

import { whole } from "./numbers.js";

/** "1 word", "2 words". */
export function plural(number, noun) {
  return `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** With a capital and a full stop. */
export function asSentence(words) {
  const closed = /[.!?]$/.test(words) ? words : `${words}.`;
  return closed[0].toUpperCase() + closed.slice(1);
}
