// The verdict, and the probability on a scale from 0 to 1 with the thresholds.

import { element, withVariables } from "./dom.js";
import { oneIn, probability, threshold } from "./numbers.js";

const HEADLINES = {
  generated: "Likely written by a language model",
  human: "Likely written by a person",
  uncertain: "Uncertain: no verdict",
  mixed: "Mixed: parts read as model-written",
};

export function headline(explanation) {
  return HEADLINES[explanation.verdict];
}

/** Why the verdict is what it is, in two sentences. */
export function verdictReason({ verdict, note, fpr, thresholds, probability: chance }) {
  const first = `The probability that a language model wrote this text is ${probability(chance)}.`;
  if (verdict === "generated") {
    return (
      `${first} For texts like this the verdict is “generated” from ` +
      `${threshold(thresholds.generated)} up; about ${oneIn(fpr)} human texts also score that high.`
    );
  }
  if (verdict === "human") {
    return `${first} Few model-written texts score below ${threshold(thresholds.human)}.`;
  }
  if (verdict === "mixed") {
    return `${first} The text as a whole gets no verdict, but parts of it read as generated.`;
  }
  return `${first} No verdict was given: ${note || "too little evidence"}.`;
}

/** The scale, with its zones, its thresholds and a needle at the probability. */
export function drawScale(explanation) {
  const zones = zonesOf(explanation.thresholds);
  const at = explanation.probability;
  const track = element(
    "div",
    { class: "track" },
    zones.map(({ name, from, to }) =>
      withVariables(element("div", { class: `zone ${name}` }), {
        "--from": from,
        "--to": to,
      }),
    ),
    place("needle", at, ""),
  );
  return element(
    "div",
    { class: "scale", role: "img", "aria-label": description(explanation, zones) },
    element("div", { class: "reading" }, place(`value ${valueAlignment(at)}`, at, probability(at))),
    track,
    element(
      "div",
      { class: "ticks" },
      zones
        .slice(0, -1)
        .map(({ name, to }) => place(`tick ${tickAlignment(name, to)}`, to, threshold(to))),
    ),
    element(
      "div",
      { class: "ends" },
      element("span", {}, "human"),
      zones.some(({ name }) => name === "uncertain") ? element("span", {}, "uncertain") : null,
      element("span", {}, "generated"),
    ),
    impossibleVerdicts(explanation.thresholds),
  );
}

/** The zones that the thresholds define, from 0 to 1: human, uncertain, generated. */
function zonesOf({ human, generated }) {
  const top = generated ?? 1;
  const bottom = Math.min(human ?? 0, top);
  return [
    { name: "human", from: 0, to: bottom },
    { name: "uncertain", from: bottom, to: top },
    { name: "generated", from: top, to: 1 },
  ].filter(({ name, from, to }) => to > from || (name === "generated" && generated !== null));
}

function impossibleVerdicts({ human, generated }) {
  if (human !== null && generated !== null) return null;
  const text =
    human === null && generated === null
      ? "Neither verdict, “human” or “generated”, is possible"
      : `The verdict “${human === null ? "human" : "generated"}” is not possible`;
  return element("p", { class: "hint" }, `${text} for this text.`);
}

function description(explanation, zones) {
  const ranges = zones.map(
    ({ name, from, to }) => `${name} from ${threshold(from)} to ${threshold(to)}`,
  );
  return `Probability ${probability(explanation.probability)} on a scale from 0 to 1: ${ranges.join(", ")}.`;
}

function place(name, at, text) {
  return withVariables(element("div", { class: name }, text), { "--at": at });
}

/** Keeps the number over the needle within the scale. */
function valueAlignment(at) {
  if (at < 0.06) return "at-start";
  return at > 0.94 ? "at-end" : "";
}

/** Keeps the numbers of two close thresholds apart. */
function tickAlignment(zone, at) {
  if (zone === "human") return at < 0.1 ? "at-start" : "at-end";
  return at > 0.9 ? "at-end" : "at-start";
}
