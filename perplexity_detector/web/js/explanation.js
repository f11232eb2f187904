// The whole drawing of an explanation, in the report and on the page.

import { drawContributions } from "./contributions.js";
import { element, section } from "./dom.js";
import { drawFlags } from "./flags.js";
import { drawHeatmap } from "./heatmap.js";
import { drawPassages } from "./passages.js";
import { asSentence, plural } from "./plural.js";
import { drawScale, headline, verdictReason } from "./scale.js";
import { drawSentences } from "./sentences.js";
import { drawSurprisalChart } from "./surprisal-chart.js";

const NO_REASONS = "No feature clearly favours either side.";

/** Draws an explanation (the JSON of `Explanation.to_dict`) into a node, replacing its content. */
export function drawExplanation(root, explanation) {
  root.replaceChildren(
    drawVerdict(explanation),
    drawText(explanation),
    section("evidence", "Evidence", drawContributions(explanation)),
    section("along", "Surprisal along the text", drawSurprisalChart(explanation)),
  );
}

function drawVerdict(explanation) {
  const { verdict, warnings, reasons, limits, flags } = explanation;
  const why = reasons.length ? element("ul", {}, items(reasons.map(asSentence))) : NO_REASONS;
  return element(
    "section",
    { class: `verdict ${verdict}`, "aria-label": "Verdict" },
    element("h2", { class: "headline" }, headline(explanation)),
    element("p", { class: "verdict-reason" }, verdictReason(explanation)),
    drawScale(explanation),
    element(
      "div",
      { class: "columns" },
      block("reasons", "Main reasons", why),
      block("limits", "Limits", element("p", {}, limits.join(" "))),
    ),
    drawPassages(explanation),
    drawFlags(flags),
    warnings.length
      ? element("ul", { class: "warnings", "aria-label": "Warnings" }, items(warnings))
      : null,
    element("p", { class: "facts" }, facts(explanation).join(" · ")),
  );
}

function drawText(explanation) {
  const pick = (sentence) => {
    heatmap.pick(sentence);
    sentences.pick(sentence);
  };
  const heatmap = drawHeatmap(explanation, pick);
  const sentences = drawSentences(explanation, pick);
  return section(
    "text",
    "Text",
    element(
      "div",
      { class: "text-and-sentences" },
      heatmap.node,
      explanation.sentences.length ? block("sentence-panel", "Sentences", sentences.node) : null,
    ),
  );
}

function facts({ id, detector, words, token_count: tokens, fpr }) {
  return [
    id ? `Text ${id}` : null,
    plural(words, "word"),
    plural(tokens, "token"),
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
