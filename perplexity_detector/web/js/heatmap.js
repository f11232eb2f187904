// The text as a heat-map, one mode at a time, with its legend.

import { element, on, uniqueId } from "./dom.js";
import { MODES, modesOf, shadeOf } from "./modes.js";
import { layoutText } from "./prose.js";
import { mergeTokens } from "./tokens.js";
import { addTooltips } from "./tooltip.js";

const KEYS =
  "Use the arrow keys to move by token or by sentence, Enter to select a sentence, Escape to " +
  "clear the selection.";

/**
 * The heat-map of an explanation. `onPick` is called with the index of the sentence that the user
 * selects, or with null.
 *
 * Returns its node and `pick(sentence)`, which highlights a sentence (null: none).
 */
export function drawHeatmap(explanation, onPick) {
  const pieces = mergeTokens(explanation);
  const prose = layoutText(explanation, pieces);
  const text = element("div", { class: "prose", dir: "auto" }, prose.root);
  on(text, "click", (event) => {
    onPick(sentenceIndex(event.target.closest("[data-sentence]")));
  });
  const node = element("div", { class: "heatmap" });
  if (pieces.length) {
    const pickAt = (index) =>
      onPick(index === null ? null : sentenceIndex(prose.nodes[index].closest("[data-sentence]")));
    const hint = element("p", { class: "hint keys", id: uniqueId("keys") }, KEYS);
    const tooltips = addTooltips(explanation, text, prose, pieces, pickAt);
    makeFocusable(text, hint);
    node.append(...drawModes(modesOf(explanation), pieces, prose.nodes), text, hint, ...tooltips);
  } else {
    node.append(element("p", { class: "hint" }, "There are no tokens to colour."), text);
  }
  return { node, pick: (sentence) => highlight(text, prose.sentences, sentence) };
}

/** The choice of modes, and what it changes: caption, legend and the shades of the text. */
function drawModes(names, pieces, nodes) {
  const caption = element("p", { class: "caption" });
  const legend = element("ul", { class: "legend" });
  const show = (name) => {
    const mode = MODES[name];
    nodes.forEach((node, index) => {
      node.className = shadeOf(mode, pieces[index][name]) ?? "";
    });
    caption.textContent = mode.caption;
    legend.replaceChildren(...mode.steps.map((step) => swatch(mode, step)));
    legend.setAttribute("aria-label", `Shades of ${mode.label.toLowerCase()}`);
  };
  if (names.length) show(names[0]);
  return [modeChoice(names, show), caption, legend];
}

function modeChoice(names, show) {
  const group = uniqueId("mode");
  const choices = names.map((name, index) => {
    const radio = element("input", { type: "radio", name: group, value: name });
    radio.defaultChecked = index === 0;
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

/** One tab stop for the whole text; role `application` makes screen readers pass the arrow keys. */
function makeFocusable(text, hint) {
  const attributes = {
    tabindex: "0",
    role: "application",
    "aria-roledescription": "heat-map",
    "aria-label": "The text, token by token",
    "aria-describedby": hint.id,
  };
  for (const [name, value] of Object.entries(attributes)) text.setAttribute(name, value);
}

function highlight(text, sentences, sentence) {
  text.querySelector("[data-highlighted]")?.removeAttribute("data-highlighted");
  text.toggleAttribute("data-picked", sentence !== null);
  if (sentence === null) return;
  sentences[sentence].setAttribute("data-highlighted", "");
  sentences[sentence].scrollIntoView({ block: "nearest" });
}

function sentenceIndex(node) {
  return node ? Number(node.dataset.sentence) : null;
}
