// What the heat-map can show: the shades of each number, and what it means.

import { decimal, oneIn, signed, whole } from "./numbers.js";

/** Shades run from 0 (paper) to 6; a number takes the first step that it lies below. */
export const MODES = {
  surprisal: {
    label: "Surprisal",
    caption:
      "How unexpected each token was to a small language model that had read what stands before " +
      "it. People surprise it more often, and less evenly, than models do.",
    steps: [
      { below: 0.5, shade: 0, label: "under 0.5 nats" },
      { below: 1.5, shade: 1, label: "0.5–1.5" },
      { below: 3, shade: 2, label: "1.5–3" },
      { below: 5, shade: 3, label: "3–5" },
      { below: 7, shade: 4, label: "5–7" },
      { below: 10, shade: 5, label: "7–10" },
      { below: Infinity, shade: 6, label: "10 and more" },
    ],
    ramp: "sequence",
    told: (nats) => `${decimal(nats)} nats, a chance of ${oneIn(Math.exp(-nats))}`,
  },
  rank: {
    label: "Rank",
    caption:
      "Where each token stood among all that the model could have expected there, the likeliest " +
      "first. Models keep to the front of their own list.",
    steps: [
      { below: 2, shade: 0, label: "1st guess" },
      { below: 11, shade: 1, label: "2–10" },
      { below: 101, shade: 3, label: "11–100" },
      { below: 1001, shade: 5, label: "101–1,000" },
      { below: Infinity, shade: 6, label: "beyond 1,000" },
    ],
    ramp: "sequence",
    told: (rank) => (rank === 1 ? "1, the model's first guess" : whole(rank)),
  },
  contrast: {
    label: "Contrast",
    caption:
      "How much likelier models' prose makes each token than people's prose does, by the " +
      "texts the detector learned from.",
    steps: [
      { below: -3, shade: 0, label: "people’s, by 3 nats or more" },
      { below: -1.5, shade: 1, label: "1.5–3" },
      { below: -0.5, shade: 2, label: "0.5–1.5" },
      { below: 0.5, shade: 3, label: "neither" },
      { below: 1.5, shade: 4, label: "0.5–1.5" },
      { below: 3, shade: 5, label: "1.5–3" },
      { below: Infinity, shade: 6, label: "models’, by 3 nats or more" },
    ],
    ramp: "sides",
    told: (nats) => `${signed(nats)} nats, ${sideOf(nats)}`,
  },
};

/** The class of a number's shade; null where there is no number. */
export function shadeOf(mode, number) {
  if (number === null) return null;
  const step = mode.steps.find(({ below }) => number < below);
  return `${mode.ramp}-${step.shade}`;
}

/** The modes an explanation has numbers for. */
export function modesOf({ tokens }) {
  return Object.keys(MODES).filter((name) => tokens[name]);
}

function sideOf(nats) {
  if (Math.abs(nats) < 0.5) return "neither side";
  return nats > 0 ? "likelier from models" : "likelier from people";
}
