// What each family of features contributed to the log-odds, and within it each feature.

import { element, on, uniqueId, withVariables } from "./dom.js";
import { probability, signed, value } from "./numbers.js";

const NOTHING = "This detector cannot tell what its features contributed.";

export function drawContributions({ families, features, base, probability: chance }) {
  if (!families.length) return element("p", { class: "hint" }, NOTHING);
  const sizes = [...families, ...features].map(({ contribution }) => Math.abs(contribution));
  const widest = sizes.reduce((most, one) => Math.max(most, one), 0.1);
  return element(
    "div",
    { class: "contributions" },
    element(
      "p",
      { class: "sides", "aria-hidden": "true" },
      element("span", {}, "for a person"),
      element("span", {}, "for a model"),
    ),
    element(
      "ul",
      { class: "rows" },
      families.map((family) =>
        familyRow(family, features.filter((one) => one.family === family.name), widest),
      ),
    ),
    element(
      "p",
      { class: "caption" },
      total(families, base, chance),
    ),
  );
}

/** What the bars add up to: the log-odds of the probability. */
function total(families, base, chance) {
  const sum = families.reduce((sofar, { contribution }) => sofar + contribution, base);
  return (
    `In log-odds. Together with ${signed(base)}, where nothing is known of a text, they add up to ` +
    `${signed(sum)}: a probability of ${probability(chance)}.`
  );
}

function familyRow(family, features, widest) {
  const line = [
    element("span", { class: "start" }, family.label),
    bar(family.contribution, widest),
    element("span", { class: "number" }, signed(family.contribution)),
  ];
  if (!features.length) return element("li", {}, element("div", { class: "line" }, line));
  const id = uniqueId("features");
  const list = element(
    "ul",
    { class: "features", id, hidden: true },
    features.map((feature) => featureRow(feature, widest)),
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

function featureRow(feature, widest) {
  const here = `${value(feature.value)}; people's median ${value(feature.typical)}`;
  return element(
    "li",
    { class: "line" },
    element("span", { class: "start" }, feature.label, " ", element("small", {}, here)),
    bar(feature.contribution, widest),
    element("span", { class: "number" }, signed(feature.contribution)),
  );
}

function bar(contribution, widest) {
  return withVariables(
    element("span", { class: `bar ${contribution > 0 ? "generated" : "human"}` }),
    { "--share": Math.abs(contribution) / widest },
  );
}
