// How probabilities of many texts are spread.

import { element, withVariables } from "./dom.js";
import { counted } from "./words.js";

const BINS = 20;

export function drawHistogram(probabilities) {
  const counts = new Array(BINS).fill(0);
  for (const one of probabilities) counts[Math.min(BINS - 1, Math.floor(one * BINS))] += 1;
  const most = counts.reduce((highest, count) => Math.max(highest, count), 1);
  const bars = counts.map((count) =>
    withVariables(element("div", {}, count === most ? element("span", {}, String(count)) : null), {
      "--share": (0.88 * count) / most,
    }),
  );
  const spoken = counts
    .map((count, bin) => [count, bin])
    .filter(([count]) => count > 0)
    .map(([count, bin]) => `${counted(count, "text")} from ${bin / BINS} to ${(bin + 1) / BINS}`);
  return [
    element(
      "div",
      { class: "histogram", role: "img", "aria-label": `Probabilities: ${spoken.join("; ")}.` },
      bars,
    ),
    element(
      "div",
      { class: "ends histogram-ends", "aria-hidden": "true" },
      ["0", "0.5", "1"].map((label) => element("span", {}, label)),
    ),
  ];
}
