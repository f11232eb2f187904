// A bar for each sentence: how much it speaks for a model, or for a person.

import { element, on, withVariables } from "./dom.js";
import { decimal, signed } from "./numbers.js";
import { unitOffsets } from "./tokens.js";

/** Bars are drawn against the largest of them, but never against less than this. */
const LEAST_SCALE = 0.25;

/**
 * A list of the sentences of an explanation; `onPick` is told the sentence that is clicked, or
 * null where it was picked already.
 *
 * Returns its node and `pick(sentence)`, which marks a row (none: null).
 */
export function drawSentences(explanation, onPick) {
  const { sentences, sentence_score: score, text } = explanation;
  const offsets = unitOffsets(text);
  const leanings = sentences.map((sentence) => sentence.score - score.neutral);
  const widest = leanings.reduce((most, one) => Math.max(most, Math.abs(one)), LEAST_SCALE);
  let picked = null;
  const buttons = sentences.map((sentence, place) => {
    const written = text.slice(offsets[sentence.start], offsets[sentence.end]);
    const button = row(written, place, sentence, leanings[place], leanings[place] / widest);
    return on(button, "click", () => onPick(place === picked ? null : place));
  });
  const list = element(
    "ol",
    { class: "rows" },
    buttons.map((button) => element("li", {}, button)),
  );
  const pick = (sentence) => {
    if (picked !== null) buttons[picked].setAttribute("aria-pressed", "false");
    picked = sentence;
    if (sentence === null) return;
    buttons[sentence].setAttribute("aria-pressed", "true");
    showWithin(list, buttons[sentence]);
  };
  const node = element(
    "div",
    { class: "sentences" },
    element("p", { class: "caption" }, describe(score)),
    element(
      "p",
      { class: "sides", "aria-hidden": "true" },
      element("span", {}, "people"),
      element("span", {}, "models"),
    ),
    list,
  );
  return { node, pick };
}

function row(written, place, sentence, leaning, share) {
  const side = leaning > 0 ? "generated" : "human";
  const perplexity =
    sentence.perplexity === null ? "" : `, perplexity ${decimal(sentence.perplexity, 0)}`;
  const spoken =
    `Sentence ${place + 1}, score ${signed(leaning)}, towards ` +
    `${leaning > 0 ? "models" : "people"}${perplexity}: ${written}`;
  return element(
    "button",
    { type: "button", "aria-pressed": "false", "aria-label": spoken },
    element("bdi", { class: "start" }, written.replace(/\s+/g, " ")),
    withVariables(element("span", { class: `bar ${side}` }), { "--share": Math.abs(share) }),
    element("span", { class: "number" }, signed(leaning)),
  );
}

function describe({ name, unit, auroc }) {
  const found =
    auroc === null || auroc === undefined
      ? ""
      : ` It tells sentences that a model put into people's essays with an AUROC of ${decimal(auroc)}` +
        " (0.5 is guessing): a hint where to look, no proof.";
  const measured = name.includes(unit) ? name : `${name}, in ${unit}`;
  return `Score of each sentence: ${measured}.${found}`;
}

/** Scrolls the list alone, not the page. */
function showWithin(list, button) {
  const { offsetTop, offsetHeight } = button;
  if (offsetTop < list.scrollTop || offsetTop + offsetHeight > list.scrollTop + list.clientHeight) {
    list.scrollTop = offsetTop - list.clientHeight / 2;
  }
}
