// Flags: what is odd in the text as it was given.

import { element } from "./dom.js";
import { whole } from "./numbers.js";
import { asSentence } from "./plural.js";

const CAPTION =
  "What is odd in the text as it was given. It does not change the probability, and it can have " +
  "innocent reasons: ask before you conclude.";
/** Places listed of each flag. */
const PLACES = 5;

/** The list of flags; null without any. */
export function drawFlags(flags = []) {
  if (!flags.length) return null;
  return element(
    "div",
    { class: "flags" },
    element("h3", {}, "Flags"),
    element(
      "ul",
      {},
      flags.map((flag) =>
        element("li", {}, asSentence(flag.sentence), " ", element("small", {}, places(flag))),
      ),
    ),
    element("p", { class: "caption" }, CAPTION),
  );
}

/** Where to look, counted from 1 as people count. */
function places({ count, positions }) {
  if (!positions.length) return "";
  const listed = positions.slice(0, PLACES).map(([start]) => whole(start + 1));
  const others = count - listed.length;
  const more = others > 0 ? ` and ${whole(others)} more` : "";
  return `At character ${listed.join(", ")}${more}.`;
}
