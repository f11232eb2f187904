// The cover of a report: what it was made of and with, and how to read it.

import { element, section } from "./dom.js";

const ADVICE_TITLE = "How to read this, if the text is yours";

/** Draws the cover of an explanation (the JSON of `Explanation.to_dict`). */
export function drawCover(explanation) {
  return section(
    "cover",
    explanation.id ? `Report on ${explanation.id}` : "Report on one text",
    element(
      "div",
      { class: "columns" },
      element("div", {}, element("h3", {}, ADVICE_TITLE), drawAdvice(explanation.fpr)),
      element("div", {}, element("h3", {}, "What it was made with"), drawProvenance(explanation)),
    ),
  );
}

function drawProvenance({ text_sha256: textHash, words, provenance }) {
  const { settings } = provenance;
  const entries = [
    ["Made", `${provenance.time.replace("T", " ").replace(/(\+00:00|Z)$/, "")} UTC`],
    ["Program", `perplexity-detector ${provenance.package_version}`],
    ["Detector", provenance.detector ?? "without a name"],
    ["Detector’s SHA-256", hash(provenance.detector_sha256)],
    ["Language model", hash(provenance.language_model ?? "none")],
    ["Precision", provenance.precision],
    ["Device", settings.cache ? `${settings.device}, with a cache` : settings.device],
    ["False-positive rate", percent(settings.fpr)],
    ["Words", words],
    ["Text’s SHA-256", hash(textHash)],
  ];
  return element(
    "dl",
    { class: "provenance" },
    entries
      .filter(([, value]) => value)
      .map(([term, value]) =>
        element("div", {}, element("dt", {}, term), element("dd", {}, value)),
      ),
  );
}

/** What the person whose text this is should know. */
function drawAdvice(fpr) {
  const advice = [
    "This is an estimate by a program, not proof. The program saw only the words below: not your " +
      "drafts, not your notes, not you.",
    `It makes mistakes. It is set to call about ${percent(fpr)} of texts by people “generated”; for ` +
      "some kinds of writing it is several times as many.",
    "“Uncertain” means that the program cannot tell. It is no suspicion.",
    "Check that the text below is yours, complete and unchanged. Then show how you wrote it: " +
      "drafts, the history of the file, notes and earlier work say more than a number.",
    "You may ask for this file. Anyone can have its numbers computed again from the text, with " +
      "perplexity-detector verify FILE. That shows whether the numbers are right, and not who " +
      "wrote the text.",
  ];
  return element(
    "div",
    { class: "advice" },
    advice.map((paragraph) => element("p", {}, paragraph)),
  );
}

function hash(digest) {
  return element("code", {}, digest);
}

function percent(rate) {
  return `${Number((100 * rate).toPrecision(3))}%`;
}
