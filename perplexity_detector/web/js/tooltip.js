// A tooltip with the numbers of the piece under the pointer or the keyboard cursor.

import { element, on, withVariables } from "./dom.js";
import { MODES, modesOf } from "./modes.js";
import { decimal } from "./numbers.js";

const GAP = 8;

/** The numbers of a piece: pairs of a label and a value. */
function rowsOf(piece, modes) {
  const rows = modes.map((name) => [MODES[name].label, MODES[name].format(piece[name])]);
  if (piece.entropy !== null) rows.push(["Entropy", `${decimal(piece.entropy)} nats`]);
  return rows;
}

/**
 * Adds tooltips to `text`, whose pieces are laid out as `prose`. `pickAt` is called with the index
 * of a piece on Enter, and with null on Escape.
 *
 * Returns the nodes to put next to the text.
 */
export function addTooltips(explanation, text, prose, pieces, pickAt) {
  const modes = modesOf(explanation);
  const tooltip = element("div", { class: "tooltip", hidden: true, "aria-hidden": "true" });
  const announcement = element("div", { class: "visually-hidden", "aria-live": "polite" });
  let shown = null;
  let cursor = 0;

  const nameOf = (index) => {
    const { start, end, tokens } = pieces[index];
    const words = prose.slice(start, end).trim() || "line break";
    return tokens > 1 ? `${words} (${tokens} tokens)` : words;
  };
  const hide = () => {
    if (shown !== null) prose.nodes[shown].removeAttribute("data-shown");
    shown = null;
    tooltip.hidden = true;
  };
  const show = (index) => {
    hide();
    shown = index;
    prose.nodes[index].setAttribute("data-shown", "");
    const rows = rowsOf(pieces[index], modes).map(([label, value]) => [
      element("dt", {}, label),
      element("dd", {}, value),
    ]);
    tooltip.replaceChildren(
      element("p", { dir: "auto" }, nameOf(index)),
      element("dl", {}, ...rows),
    );
    tooltip.hidden = false;
    moveTo(tooltip, prose.nodes[index]);
  };
  const moveCursor = (index) => {
    cursor = index;
    prose.nodes[index].scrollIntoView({ block: "nearest" });
    show(index);
    const numbers = rowsOf(pieces[index], modes).map(([label, value]) => `${label} ${value}`);
    announcement.textContent = `${nameOf(index)}: ${numbers.join("; ")}.`;
  };

  on(text, "pointerover", (event) => {
    const index = event.target.dataset?.piece;
    if (index !== undefined) show(Number(index));
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
      const target = keyTarget(event.key, cursor, text, prose.nodes);
      if (target === null) return;
      moveCursor(target);
    }
    event.preventDefault();
  });
  return [tooltip, announcement];
}

/** The piece that a key moves the cursor to; null for other keys. */
function keyTarget(key, cursor, text, nodes) {
  const forward = getComputedStyle(text).direction === "rtl" ? -1 : 1;
  const last = nodes.length - 1;
  const clamp = (index) => Math.max(0, Math.min(last, index));
  const targets = {
    ArrowRight: () => clamp(cursor + forward),
    ArrowLeft: () => clamp(cursor - forward),
    ArrowDown: () => adjacentSentence(cursor, 1, nodes),
    ArrowUp: () => adjacentSentence(cursor, -1, nodes),
    Home: () => 0,
    End: () => last,
  };
  return key in targets ? targets[key]() : null;
}

/** The first piece of the next sentence (step 1) or of the previous one (step -1). */
function adjacentSentence(cursor, step, nodes) {
  const sentenceOf = (index) => nodes[index].parentNode;
  let index = cursor;
  while (nodes[index + step] && sentenceOf(index + step) === sentenceOf(cursor)) index += step;
  index = nodes[index + step] ? index + step : index;
  while (index > 0 && sentenceOf(index - 1) === sentenceOf(index)) index -= 1;
  return step > 0 && sentenceOf(index) === sentenceOf(cursor) ? nodes.length - 1 : index;
}

/** Puts the tooltip above a piece, or below it where there is no room, within the parent's width. */
function moveTo(tooltip, node) {
  const parent = tooltip.offsetParent.getBoundingClientRect();
  const anchor = node.getClientRects()[0] ?? parent;
  const room = parent.width - tooltip.offsetWidth;
  const above = anchor.top - tooltip.offsetHeight - GAP;
  withVariables(tooltip, {
    "--x": `${Math.max(0, Math.min(room, anchor.left - parent.left))}px`,
    "--y": `${(above > 0 ? above : anchor.bottom + GAP) - parent.top}px`,
  });
}
