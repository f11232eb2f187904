// The text as a heat-map, one mode at a time, with its legend.

import { element, on, uniqueId } from "./dom.js";
import { MODES, modesOf, shadeOf } from "./modes.js";
import { laidOut } from "./prose.js";
import { withTips } from "./tip.js";
import { pieces } from "./tokens.js";

const KEYS =
  "Arrow keys go from token to token and from sentence to sentence; Enter picks a sentence, " +
  "Escape lets go of it.";

/**
 * The heat-map of an explanation; `onPick` is told the sentence that a reader picks, or null.
 *
 * Returns its node and `pick(sentence)`, which sets a sentence apart (none: null).
 */
export function drawHeatmap(explanation, onPick) {
  const seen = pieces(explanation);
  const prose = laidOut(explanation, seen);
  const text = element("div", { class: "prose", dir: "auto" }, prose.root);
  on(text, "click", (event) => {
    onPick(placeOf(event.target.closest("[data-sentence]")));
  });
  const node = element("div", { class: "heatmap" });
  if (seen.length) {
    const pickAt = (place) =>
      onPick(place === null ? null : placeOf(prose.nodes[place].closest("[data-sentence]")));
    const hint = element("p", { class: "hint keys", id: uniqueId("keys") }, KEYS);
    const tips = withTips(explanation, text, prose, seen, pickAt);
    forKeyboard(text, hint);
    node.append(...coloured(modesOf(explanation), seen, prose.nodes), text, hint, ...tips);
  } else {
    node.append(element("p", { class: "hint" }, "It has no tokens to colour."), text);
  }
  return { node, pick: (sentence) => setApart(text, prose.sentences, sentence) };
}

/** The choice of modes, and what it changes: caption, legend, and the shades of the text. */
function coloured(names, seen, nodes) {
  const caption = element("p", { class: "caption" });
  const legend = element("ul", { class: "legend" });
  const show = (name) => {
    const mode = MODES[name];
    nodes.forEach((node, place) => {
      node.className = shadeOf(mode, seen[place][name]) ?? "";
    });
    caption.textContent = mode.caption;
    legend.replaceChildren(...mode.steps.map((step) => swatch(mode, step)));
    legend.setAttribute("aria-label", `Shades of ${mode.label.toLowerCase()}`);
  };
  if (names.length) show(names[0]);
  return [chooser(names, show), caption, legend];
}

function chooser(names, show) {
  const group = uniqueId("mode");
  const choices = names.map((name, place) => {
    const radio = element("input", { type: "radio", name: group, value: name });
    radio.defaultChecked = place === 0;
    on(radio, "change", () => show(name));
    return element("label", {}, radio, element("span", {}, MODES[name].label));
  });
  const title = element("legend", { class: "visually-hidden" }, "Colour the text by");
  return element("fieldset", { class: "modes" }, title, choices);
}

function swatch(mode, step) {
  const sample = element("span", { class: `${mode.ramp}-${step.shade}`, "aria-hidden": "true" }, "ab");
  return element("li", {}, sample, step.label);
}

/** One stop of the Tab key, not one a token; screen readers pass the arrow keys on. */
function forKeyboard(text, hint) {
  const attributes = {
    tabindex: "0",
    role: "application",
    "aria-roledescription": "heat-map",
    "aria-label": "The text, token by token",
    "aria-describedby": hint.id,
  };
  for (const [name, value] of Object.entries(attributes)) text.setAttribute(name, value);
}

function setApart(text, sentences, sentence) {
  text.querySelector("[data-apart]")?.removeAttribute("data-apart");
  text.toggleAttribute("data-picked", sentence !== null);
  if (sentence === null) return;
  sentences[sentence].setAttribute("data-apart", "");
  sentences[sentence].scrollIntoView({ block: "nearest" });
}

function placeOf(sentence) {
  return sentence ? Number(sentence.dataset.sentence) : null;
}
