// The verdict, and the probability on a scale from 0 to 1 with the thresholds drawn.

import { element, withVariables } from "./dom.js";
import { oneIn, probability, threshold } from "./numbers.js";
import { asSentence } from "./words.js";

const HEADLINES = {
  generated: "Likely written by a language model",
  human: "Likely written by a person",
  uncertain: "Uncertain: no verdict",
};

export function headline(explanation) {
  return HEADLINES[explanation.verdict];
}

/** What the verdict rests on, in two sentences. */
export function grounds({ verdict, note, fpr, thresholds, probability: chance }) {
  const said = `The probability that a language model wrote it is ${probability(chance)}.`;
  if (verdict === "generated") {
    return (
      `${said} From ${threshold(thresholds.generated)} on a text of this length is called ` +
      `generated, as about ${oneIn(fpr)} texts by people are too, wrongly.`
    );
  }
  if (verdict === "human") return `${said} Few texts by language models get one so low.`;
  return `${said} ${asSentence(note || "nothing more can be said")}`;
}

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
    placed("needle", at, ""),
  );
  return element(
    "div",
    { class: "scale", role: "img", "aria-label": spoken(explanation, zones) },
    element(
      "div",
      { class: "reading" },
      placed(`value ${lean(at)}`, at, probability(at)),
    ),
    track,
    element(
      "div",
      { class: "ticks" },
      zones.slice(0, -1).map(({ name, to }) => placed(`tick ${tickSide(name, to)}`, to, threshold(to))),
    ),
    element(
      "div",
      { class: "ends" },
      element("span", {}, zones[0].name === "human" ? "human" : "by a person"),
      zones.some(({ name }) => name === "uncertain") ? element("span", {}, "uncertain") : null,
      element("span", {}, zones.at(-1).name === "generated" ? "generated" : "by a model"),
    ),
    missing(explanation.thresholds),
  );
}

/** From 0 to 1: human, uncertain, generated, those that the thresholds leave. */
function zonesOf({ human, generated }) {
  const top = generated ?? 1;
  const bottom = Math.min(human ?? 0, top);
  return [
    { name: "human", from: 0, to: bottom },
    { name: "uncertain", from: bottom, to: top },
    { name: "generated", from: top, to: 1 },
  ].filter(({ name, from, to }) => to > from || (name === "generated" && generated !== null));
}

function missing({ human, generated }) {
  const no =
    human === null && generated === null
      ? "Neither a “human” nor a “generated” verdict"
      : `No “${human === null ? "human" : "generated"}” verdict`;
  if (human !== null && generated !== null) return null;
  return element("p", { class: "hint" }, `${no} can be promised for this text.`);
}

function spoken(explanation, zones) {
  const parts = zones.map(
    ({ name, from, to }) => `${name} from ${threshold(from)} to ${threshold(to)}`,
  );
  return `Probability ${probability(explanation.probability)} on a scale from 0 to 1: ${parts.join(", ")}.`;
}

function placed(name, at, text) {
  return withVariables(element("div", { class: name }, text), { "--at": at });
}

/** The number over the needle stays within the scale at its ends. */
function lean(at) {
  if (at < 0.06) return "at-start";
  return at > 0.94 ? "at-end" : "";
}

/** Numbers of two thresholds that lie close must not lie on each other. */
function tickSide(zone, at) {
  if (zone === "human") return at < 0.1 ? "at-start" : "at-end";
  return at > 0.9 ? "at-end" : "at-start";
}
