// What each family of features contributed to the log-odds, and within it each feature.

import { element, on, uniqueId, withVariables } from "./dom.js";
import { signed, value } from "./numbers.js";

export function drawContributions({ families, features, base }) {
  const sizes = [...families, ...features].map(({ contribution }) => Math.abs(contribution));
  const widest = sizes.reduce((most, one) => Math.max(most, one), 0.1);
  const total = families.reduce((sum, { contribution }) => sum + contribution, base);
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
      `In log-odds, the unit of the trees. With ${signed(base)} that they begin with, together `,
      element("b", {}, signed(total)),
      "; from this the calibrated probability follows.",
    ),
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
