// The modes of the heat-map: for each number its shades, its caption and how it is written.

import { decimal, oneIn, signed, whole } from "./numbers.js";

/** Shades run from 0 (none) to 6; a number gets the shade of the first step it lies below. */
export const MODES = {
  surprisal: {
    label: "Surprisal",
    caption:
      "How unexpected each token was to a small language model that had read the text before it. " +
      "Human writing surprises it more often, and less evenly, than model-written text.",
    steps: [
      { below: 0.5, shade: 0, label: "0–0.5" },
      { below: 1.5, shade: 1, label: "0.5–1.5" },
      { below: 3, shade: 2, label: "1.5–3" },
      { below: 5, shade: 3, label: "3–5" },
      { below: 7, shade: 4, label: "5–7" },
      { below: 10, shade: 5, label: "7–10" },
      { below: Infinity, shade: 6, label: "10 nats or more" },
    ],
    ramp: "sequence",
    format: (nats) => `${decimal(nats)} nats, a chance of ${oneIn(Math.exp(-nats))}`,
  },
  rank: {
    label: "Rank",
    caption:
      "The position of each token in the model's list of guesses, the most likely first. " +
      "Model-written text stays near the top of the list.",
    steps: [
      { below: 2, shade: 0, label: "1st guess" },
      { below: 11, shade: 1, label: "2–10" },
      { below: 101, shade: 3, label: "11–100" },
      { below: 1001, shade: 5, label: "101–1,000" },
      { below: Infinity, shade: 6, label: "beyond 1,000" },
    ],
    ramp: "sequence",
    format: (rank) => (rank === 1 ? "1, the model's first guess" : whole(rank)),
  },
  contrast: {
    label: "Contrast",
    caption:
      "How much more likely each token is in model-written text than in human text, judged by the " +
      "texts the detector was trained on.",
    steps: [
      { below: -3, shade: 0, label: "human, by 3 nats or more" },
      { below: -1.5, shade: 1, label: "1.5–3" },
      { below: -0.5, shade: 2, label: "0.5–1.5" },
      { below: 0.5, shade: 3, label: "neither" },
      { below: 1.5, shade: 4, label: "0.5–1.5" },
      { below: 3, shade: 5, label: "1.5–3" },
      { below: Infinity, shade: 6, label: "model, by 3 nats or more" },
    ],
    ramp: "sides",
    format: (nats) => `${signed(nats)} nats, ${side(nats)}`,
  },
};

/** The CSS class of a number's shade; null where there is no number. */
export function shadeOf(mode, number) {
  if (number === null) return null;
  const step = mode.steps.find(({ below }) => number < below);
  return `${mode.ramp}-${step.shade}`;
}

/** The modes that an explanation has numbers for. */
export function modesOf({ tokens }) {
  return Object.keys(MODES).filter((name) => tokens[name]);
}

function side(nats) {
  if (Math.abs(nats) < 0.5) return "neither side";
  return nats > 0 ? "towards model" : "towards human";
}
