// The form that another page embeds: a text, and its verdict.

import { element, on } from "./dom.js";
import { drawScale, headline, verdictReason } from "./scale.js";
import { explain, setKey } from "./service.js";

const find = (id) => document.getElementById(id);
const input = find("text");
const result = find("result");
const errorBox = find("error");
const CAUTION = "A probability is not a proof. Never accuse anyone on this number alone.";

let running = null;

/** Checks the text in the box; a new check cancels the one before. */
async function check() {
  running?.abort();
  const controller = new AbortController();
  running = controller;
  errorBox.hidden = true;
  result.hidden = true;
  if (!input.value.trim()) {
    showError("There is no text yet. Paste one.");
    input.focus();
    return;
  }
  find("status").textContent = "Reading the text…";
  setKey(find("key").value);
  try {
    const explanation = await explain({ text: input.value }, controller.signal);
    if (running !== controller) return;
    find("status").textContent = `${headline(explanation)}.`;
    find("key-row").hidden = true;
    result.replaceChildren(drawVerdict(explanation));
    result.hidden = false;
    result.focus({ preventScroll: true });
  } catch (error) {
    if (running !== controller) return;
    find("status").textContent = "";
    showError(error.message);
    if (error.status === 401) {
      find("key-row").hidden = false;
      find("key").focus();
    }
  }
}

function drawVerdict(explanation) {
  return element(
    "section",
    { class: `verdict ${explanation.verdict}`, "aria-label": "Verdict" },
    element("h2", { class: "headline" }, headline(explanation)),
    element("p", { class: "verdict-reason" }, verdictReason(explanation)),
    drawScale(explanation),
    element("p", { class: "hint" }, CAUTION),
  );
}

function showError(message) {
  find("status").textContent = "";
  errorBox.textContent = message;
  errorBox.hidden = false;
}

on(find("form"), "submit", (event) => {
  event.preventDefault();
  check();
});
on(input, "keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) check();
});
