// Histogram of the probabilities of many texts.

import { element, withVariables } from "./dom.js";
import { plural } from "./plural.js";

const BINS = 20;

export function drawHistogram(probabilities) {
  const counts = new Array(BINS).fill(0);
  for (const one of probabilities) counts[Math.min(BINS - 1, Math.floor(one * BINS))] += 1;
  const highest = counts.reduce((most, count) => Math.max(most, count), 1);
  const bars = counts.map((count) =>
    withVariables(element("div", {}, count === highest ? element("span", {}, String(count)) : null), {
      "--share": (0.88 * count) / highest,
    }),
  );
  const label = counts
    .map((count, bin) => [count, bin])
    .filter(([count]) => count > 0)
    .map(([count, bin]) => `${plural(count, "text")} from ${bin / BINS} to ${(bin + 1) / BINS}`);
  return [
    element("p", { class: "caption" }, "Number of texts by probability of being generated."),
    element(
      "div",
      { class: "histogram", role: "img", "aria-label": `Probabilities: ${label.join("; ")}.` },
      bars,
    ),
    element(
      "div",
      { class: "ends histogram-ends", "aria-hidden": "true" },
      ["0", "0.5", "1"].map((end) => element("span", {}, end)),
    ),
  ];
}
