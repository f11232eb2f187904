// The whole drawing of an explanation, as the report and the page show it.

import { drawContributions } from "./contributions.js";
import { drawCourse } from "./course.js";
import { element, section } from "./dom.js";
import { drawHeatmap } from "./heatmap.js";
import { drawScale, grounds, headline } from "./scale.js";
import { drawSentences } from "./sentences.js";
import { asSentence, counted } from "./words.js";

/** Draws an explanation (the JSON of `Explanation.to_dict`) into a node, in place of all in it. */
export function drawExplanation(root, explanation) {
  root.replaceChildren(
    drawVerdict(explanation),
    drawText(explanation),
    section("why", "What spoke for which side", drawContributions(explanation)),
    section("along", "Surprisal along the text", drawCourse(explanation)),
  );
}

function drawVerdict(explanation) {
  const { verdict, warnings, reasons, limits } = explanation;
  return element(
    "section",
    { class: `verdict ${verdict}`, "aria-label": "Verdict" },
    element("h2", { class: "headline" }, headline(explanation)),
    element("p", { class: "grounds" }, grounds(explanation)),
    drawScale(explanation),
    warnings.length
      ? element("ul", { class: "warnings", "aria-label": "Warnings" }, items(warnings))
      : null,
    element(
      "div",
      { class: "columns" },
      block("reasons", "Why", reasons.length ? element("ul", {}, items(reasons.map(asSentence))) : NO_REASONS),
      block("limits", "Its limits", element("p", {}, limits.join(" "))),
    ),
    element("p", { class: "facts" }, facts(explanation).join(" · ")),
  );
}

const NO_REASONS = "No feature speaks clearly for either side.";

function drawText(explanation) {
  const pick = (sentence) => {
    heatmap.pick(sentence);
    sentences.pick(sentence);
  };
  const heatmap = drawHeatmap(explanation, pick);
  const sentences = drawSentences(explanation, pick);
  return section(
    "text",
    "The text",
    element(
      "div",
      { class: "side-by-side" },
      heatmap.node,
      explanation.sentences.length ? block("beside", "Its sentences", sentences.node) : null,
    ),
  );
}

function facts({ id, detector, words, token_count: tokens, fpr }) {
  return [
    id ? `Text ${id}` : null,
    counted(words, "word"),
    counted(tokens, "token"),
    detector ? `detector ${detector}` : null,
    `false-positive rate ${fpr}`,
  ].filter(Boolean);
}

function block(name, title, body) {
  return element("div", { class: name }, element("h3", {}, title), body);
}

function items(sentences) {
  return sentences.map((sentence) => element("li", {}, sentence));
}
