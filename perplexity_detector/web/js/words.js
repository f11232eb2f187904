// Words put in the form that their place asks for.

import { whole } from "./numbers.js";

export function counted(number, noun) {
  return `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** With a capital and a full stop. */
export function asSentence(words) {
  const closed = /[.!?]$/.test(words) ? words : `${words}.`;
  return closed[0].toUpperCase() + closed.slice(1);
}
