// The sentences with a bar for each score: towards human or towards model-written text.

import { element, on, withVariables } from "./dom.js";
import { decimal, signed } from "./numbers.js";
import { markedSentences } from "./passages.js";
import { unitOffsets } from "./tokens.js";

/** Bars are scaled to the largest of them, but to no less than this. */
const MIN_SCALE = 0.25;

/**
 * The list of the sentences of an explanation. `onPick` is called with the index of the sentence
 * that the user selects, or with null if it was selected already.
 *
 * Returns its node and `pick(sentence)`, which marks a row (null: none).
 */
export function drawSentences(explanation, onPick) {
  const { sentences, sentence_score: score, text } = explanation;
  const offsets = unitOffsets(text);
  const scores = sentences.map((sentence) => sentence.score - score.neutral);
  const scale = scores.reduce((most, one) => Math.max(most, Math.abs(one)), MIN_SCALE);
  const marked = markedSentences(explanation);
  const coloured = isColoured(explanation);
  let picked = null;
  const buttons = sentences.map((sentence, index) => {
    const words = text.slice(offsets[sentence.start], offsets[sentence.end]);
    const look = { marked: marked[index], coloured, share: scores[index] / scale };
    const button = row(words, index, sentence, scores[index], look);
    return on(button, "click", () => onPick(index === picked ? null : index));
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
    scrollWithin(list, buttons[sentence]);
  };
  const node = element(
    "div",
    { class: "sentences" },
    element("p", { class: "caption" }, caption(score, sentences.some(hasHiddenStates), coloured)),
    element(
      "p",
      { class: "sides", "aria-hidden": "true" },
      element("span", {}, "human"),
      element("span", {}, "model"),
    ),
    list,
  );
  return { node, pick };
}

/**
 * Whether single sentences are coloured: not where the text's own verdict is human or uncertain,
 * for then what stands out is chance, and no passage is marked.
 */
function isColoured({ verdict, passages = [] }) {
  return verdict === "generated" || passages.length > 0;
}

function row(words, index, sentence, score, { marked, coloured, share }) {
  const side = score > 0 ? "generated" : "human";
  const details = [marked ? "in a marked passage" : null, ...detailsOf(sentence)].filter(Boolean);
  const numbers = [`score ${signed(score)}, towards ${side}`, ...details].join(", ");
  const label = `Sentence ${index + 1}, ${numbers}: ${words}`;
  return element(
    "button",
    { type: "button", "aria-pressed": "false", "aria-label": label },
    element(
      "span",
      {},
      element("bdi", { class: "start" }, words.replace(/\s+/g, " ")),
      details.length ? element("small", {}, details.join(", ")) : null,
    ),
    withVariables(element("span", { class: `bar ${side}${coloured ? "" : " plain"}` }), {
      "--share": Math.abs(share),
    }),
    element("span", { class: "number" }, signed(score)),
  );
}

/** What is known of a sentence besides its score, in words. */
function detailsOf(sentence) {
  return [
    sentence.perplexity === null ? null : `perplexity ${decimal(sentence.perplexity, 0)}`,
    hasHiddenStates(sentence) ? `hidden states ${signed(sentence.hidden_states, 1)}` : null,
  ].filter(Boolean);
}

/** Explanations made by earlier versions lack the key. */
function hasHiddenStates(sentence) {
  return Number.isFinite(sentence.hidden_states);
}

function caption({ name, unit, auroc }, hiddenStates, coloured) {
  const what = name.includes(unit) ? name : `${name}, in ${unit}`;
  const quality =
    auroc === null || auroc === undefined
      ? ""
      : " A hint where to look, not proof: it finds model-written sentences in human essays with " +
        `an AUROC of ${decimal(auroc)} (0.5 is guessing, 1 perfect).`;
  const states = hiddenStates
    ? " Hidden states, in log-odds: above 0 they resemble model-written text, below 0 human text."
    : "";
  const plain = coloured ? "" : " No passage is marked, so no sentence has a colour.";
  return `Score of each sentence: ${what}.${quality}${states}${plain}`;
}

/** Scrolls only the list, not the page. */
function scrollWithin(list, button) {
  const { offsetTop, offsetHeight } = button;
  if (offsetTop < list.scrollTop || offsetTop + offsetHeight > list.scrollTop + list.clientHeight) {
    list.scrollTop = offsetTop - list.clientHeight / 2;
  }
}
