// Numbers of the piece under the pointer, or under the cursor that the arrow keys move.

import { element, on, withVariables } from "./dom.js";
import { MODES, modesOf } from "./modes.js";
import { decimal } from "./numbers.js";

const GAP = 8;

/** What is told of a piece: pairs of a name and words. */
function told(piece, modes) {
  const numbers = modes.map((name) => [MODES[name].label, MODES[name].told(piece[name])]);
  if (piece.entropy !== null) numbers.push(["Entropy", `${decimal(piece.entropy)} nats`]);
  return numbers;
}

/**
 * Shows numbers over `text`, whose pieces are laid out as `prose`; `pickAt(piece)` is called on
 * Enter, and with null on Escape. Returns the nodes to put beside the text.
 */
export function withTips(explanation, text, prose, pieces, pickAt) {
  const modes = modesOf(explanation);
  const tip = element("div", { class: "tip", hidden: true, "aria-hidden": "true" });
  const spoken = element("div", { class: "visually-hidden", "aria-live": "polite" });
  let shown = null;
  let cursor = 0;

  const name = (place) => {
    const { start, end, tokens } = pieces[place];
    const written = prose.slice(start, end).trim() || "line break";
    return tokens > 1 ? `${written} (${tokens} tokens)` : written;
  };
  const hide = () => {
    if (shown !== null) prose.nodes[shown].removeAttribute("data-shown");
    shown = null;
    tip.hidden = true;
  };
  const show = (place) => {
    hide();
    shown = place;
    prose.nodes[place].setAttribute("data-shown", "");
    const rows = told(pieces[place], modes).map(([label, words]) => [
      element("dt", {}, label),
      element("dd", {}, words),
    ]);
    tip.replaceChildren(element("p", { dir: "auto" }, name(place)), element("dl", {}, ...rows));
    tip.hidden = false;
    moveTo(tip, prose.nodes[place]);
  };
  const moveCursor = (place) => {
    cursor = place;
    prose.nodes[place].scrollIntoView({ block: "nearest" });
    show(place);
    const numbers = told(pieces[place], modes).map(([label, words]) => `${label} ${words}`);
    spoken.textContent = `${name(place)}: ${numbers.join("; ")}.`;
  };

  on(text, "pointerover", (event) => {
    const place = event.target.dataset?.piece;
    if (place !== undefined) show(Number(place));
    else hide();
  });
  on(text, "pointerleave", hide);
  on(text, "focus", () => {
    if (text.matches(":focus-visible")) moveCursor(cursor);
  });
  on(text, "blur", hide);
  on(text, "keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter") pickAt(cursor);
    else if (event.key === "Escape") pickAt(null);
    else {
      const goal = goalOf(event.key, cursor, text, prose.nodes);
      if (goal === null) return;
      moveCursor(goal);
    }
    event.preventDefault();
  });
  return [tip, spoken];
}

/** Where a key takes the cursor; null for keys that do not move it. */
function goalOf(key, cursor, text, nodes) {
  const forward = getComputedStyle(text).direction === "rtl" ? -1 : 1;
  const last = nodes.length - 1;
  const within = (place) => Math.max(0, Math.min(last, place));
  const goals = {
    ArrowRight: () => within(cursor + forward),
    ArrowLeft: () => within(cursor - forward),
    ArrowDown: () => otherSentence(cursor, 1, nodes),
    ArrowUp: () => otherSentence(cursor, -1, nodes),
    Home: () => 0,
    End: () => last,
  };
  return key in goals ? goals[key]() : null;
}

/** The first piece of the sentence after this one, or of the one before it. */
function otherSentence(cursor, step, nodes) {
  const sentenceOf = (place) => nodes[place].parentNode;
  let place = cursor;
  while (nodes[place + step] && sentenceOf(place + step) === sentenceOf(cursor)) place += step;
  place = nodes[place + step] ? place + step : place;
  while (place > 0 && sentenceOf(place - 1) === sentenceOf(place)) place -= 1;
  return step > 0 && sentenceOf(place) === sentenceOf(cursor) ? nodes.length - 1 : place;
}

/** Puts the tip over a piece, or under it where there is no room, within its parent's width. */
function moveTo(tip, node) {
  const host = tip.offsetParent.getBoundingClientRect();
  const at = node.getClientRects()[0] ?? host;
  const room = host.width - tip.offsetWidth;
  const above = at.top - tip.offsetHeight - GAP;
  withVariables(tip, {
    "--x": `${Math.max(0, Math.min(room, at.left - host.left))}px`,
    "--y": `${(above > 0 ? above : at.bottom + GAP) - host.top}px`,
  });
}
