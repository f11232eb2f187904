// Bar chart of the contributions to the log-odds: families of features, which open to features.

import { element, on, uniqueId, withVariables } from "./dom.js";
import { probability, signed, value } from "./numbers.js";

const EMPTY = "This detector does not report the contributions of its features.";
/** Bars are scaled to the largest of them, but to no less than this. */
const MIN_SCALE = 0.1;

/** The chart of an explanation. */
export function drawContributions({ families, features, base, probability: chance }) {
  if (!families.length) return element("p", { class: "hint" }, EMPTY);
  const sizes = [...families, ...features].map(({ contribution }) => Math.abs(contribution));
  const scale = sizes.reduce((most, size) => Math.max(most, size), MIN_SCALE);
  return element(
    "div",
    { class: "contributions" },
    element(
      "p",
      { class: "caption" },
      "How much each group of features pushed the result towards “human” or “generated”. ",
      element("span", { class: "screen-only" }, "Select a group to see its features."),
    ),
    element(
      "p",
      { class: "sides", "aria-hidden": "true" },
      element("span", {}, "human"),
      element("span", {}, "generated"),
    ),
    element(
      "ul",
      { class: "rows" },
      families.map((family) =>
        familyRow(family, features.filter((feature) => feature.family === family.name), scale),
      ),
    ),
    element("p", { class: "caption" }, total(families, base, chance)),
  );
}

/** The sum of the bars: the log-odds of the probability. */
function total(families, base, chance) {
  const sum = families.reduce((partial, { contribution }) => partial + contribution, base);
  return (
    `Values are log-odds. With the starting value of ${signed(base)} they add up to ` +
    `${signed(sum)}, which is a probability of ${probability(chance)}.`
  );
}

function familyRow(family, features, scale) {
  const line = [
    element("span", { class: "start" }, family.label),
    bar(family.contribution, scale),
    element("span", { class: "number" }, signed(family.contribution)),
  ];
  if (!features.length) return element("li", {}, element("div", { class: "line" }, line));
  const id = uniqueId("features");
  const list = element(
    "ul",
    { class: "features", id, hidden: true },
    features.map((feature) => featureRow(feature, scale)),
  );
  const button = element(
    "button",
    { type: "button", class: "line", "aria-expanded": "false", "aria-controls": id },
    line,
  );
  on(button, "click", () => {
    list.hidden = !list.hidden;
    button.setAttribute("aria-expanded", String(!list.hidden));
  });
  return element("li", {}, button, list);
}

function featureRow(feature, scale) {
  const values = `${value(feature.value)}, human median ${value(feature.typical)}`;
  return element(
    "li",
    { class: "line" },
    element("span", { class: "start" }, feature.label, " ", element("small", {}, values)),
    bar(feature.contribution, scale),
    element("span", { class: "number" }, signed(feature.contribution)),
  );
}

function bar(contribution, scale) {
  return withVariables(
    element("span", { class: `bar ${contribution > 0 ? "generated" : "human"}` }),
    { "--share": Math.abs(contribution) / scale },
  );
}
