// The texts of several documents, to read and correct before they are checked.

import { element, on, section } from "./dom.js";
import { describe, plural } from "./plural.js";

/**
 * A section with an editor for each document; `check` is called with a jsonl file of the texts,
 * and the documents that they are of.
 *
 * A document that cannot be read shows why.
 */
export function drawDocuments(documents, check) {
  const editors = documents.map((one) => drawDocument(one));
  const usable = documents.filter((one) => !one.problem);
  const button = element("button", { type: "button", class: "primary" }, `Check ${plural(usable.length, "text")}`);
  button.disabled = !usable.length;
  on(button, "click", () => {
    const rows = editors.filter((one) => one.box).map(({ id, box }) => JSON.stringify({ id, text: box.value }));
    check(new File([rows.join("\n")], "documents.jsonl"), usable);
  });
  return section(
    "documents",
    plural(documents.length, "document"),
    element("p", { class: "caption" }, "What was read of each. Open one to correct its text before it is checked."),
    element("ul", {}, editors.map(({ node }) => element("li", {}, node))),
    element("div", { class: "actions" }, button),
  );
}

function drawDocument({ id, text, problem, left_out: leftOut, flags }) {
  if (problem) {
    return { node: element("p", { class: "problem" }, element("strong", {}, id), ` ${problem}`) };
  }
  const box = element("textarea", { rows: 10, dir: "auto", spellcheck: "false", "aria-label": `Text of ${id}` });
  box.value = text;
  const words = element("span", { class: "hint" });
  const count = () => {
    words.textContent = plural(box.value.trim().split(/\s+/).filter(Boolean).length, "word");
  };
  on(box, "input", count);
  count();
  const without = describe(leftOut);
  const note = without ? element("p", { class: "hint" }, `Left out: ${without}`) : null;
  const sentences = flags.map(({ sentence }) => sentence).join("; ");
  const flagged = element("span", { class: "flag" }, sentences);
  const node = element("details", {}, element("summary", {}, id, " ", words, " ", flagged), note, box);
  return { id, box, node };
}
