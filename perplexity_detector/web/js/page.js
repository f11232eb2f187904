// The page: asks the service about a text or a file, and shows what it says.

import { element, on } from "./dom.js";
import { EXAMPLES } from "./examples.js";
import { drawExplanation } from "./explanation.js";
import { drawFile } from "./files.js";
import { drawMeaning } from "./meaning.js";
import { saveAs } from "./save.js";
import { headline } from "./scale.js";
import { explain, report, useKey } from "./service.js";
import { counted } from "./words.js";

const find = (id) => document.getElementById(id);
const essay = find("essay");
const result = find("result");
const trouble = find("trouble");

let running = null;
let again = null; // what to ask once more when there is a key

/** Does one thing at a time: whatever still runs is given up. */
async function attempt(doing, work) {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  again = () => attempt(doing, work);
  trouble.hidden = true;
  result.hidden = true;
  find("status").textContent = doing;
  const waiting = element("div");
  find("waiting").replaceChildren(waiting);
  try {
    const { told, nodes } = await work(mine.signal, waiting);
    if (running !== mine) return;
    find("status").textContent = told;
    find("key-row").hidden = true;
    result.replaceChildren(...nodes);
    result.hidden = false;
    result.focus({ preventScroll: true });
    result.scrollIntoView({ behavior: motion(), block: "start" });
  } catch (error) {
    if (running !== mine) return;
    find("status").textContent = "";
    if (error.status === 401) askForKey();
    show(error.message);
  } finally {
    waiting.remove();
  }
}

function show(words) {
  trouble.textContent = words;
  trouble.hidden = false;
}

function askForKey() {
  find("key-row").hidden = false;
  find("key").focus();
}

function explainText() {
  const text = essay.value;
  if (!text.trim()) {
    show("There is no text yet: paste one, choose a file, or take an example.");
    essay.focus();
    return;
  }
  attempt("Reading the text…", async (signal) => {
    const explanation = await explain(text, signal);
    const drawing = element("div", { class: "drawing" });
    drawExplanation(drawing, explanation);
    const actions = element("div", { class: "result-actions" }, reportButton(text));
    return { told: `${headline(explanation)}.`, nodes: [actions, drawing] };
  });
}

function reportButton(text) {
  const button = element("button", { type: "button" }, "Download the report");
  return on(button, "click", async () => {
    button.disabled = true;
    try {
      saveAs("report.html", await report(text));
    } catch (error) {
      show(error.message);
      trouble.focus();
    } finally {
      button.disabled = false;
    }
  });
}

async function take(file) {
  if (/\.(txt|md)$/i.test(file.name) || file.type === "text/plain") {
    setText(await file.text());
    explainText();
    return;
  }
  attempt(`Reading ${file.name}…`, async (signal, waiting) => {
    const { count, nodes } = await drawFile(file, waiting, signal);
    return { told: `${counted(count, "text")} read.`, nodes };
  });
}

function setText(text) {
  essay.value = text;
  measure();
}

function measure() {
  const words = essay.value.trim().split(/\s+/).filter(Boolean).length;
  const short = words > 0 && words < 50 ? "; under 50 there is no verdict" : "";
  find("essay-size").textContent = words ? `${counted(words, "word")}${short}` : "";
}

function motion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}

function acceptDrops() {
  const root = document.documentElement;
  const holdsFile = (event) => event.dataTransfer?.types.includes("Files");
  on(document, "dragover", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    root.classList.add("dropping");
  });
  on(document, "dragleave", (event) => {
    if (event.relatedTarget === null) root.classList.remove("dropping");
  });
  on(document, "drop", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    root.classList.remove("dropping");
    if (event.dataTransfer.files.length > 1) show("One file at a time, please.");
    else take(event.dataTransfer.files[0]);
  });
}

on(find("ask"), "submit", (event) => {
  event.preventDefault();
  useKey(find("key").value);
  if (!find("key-row").hidden && again) again();
  else explainText();
});
on(find("choose"), "click", () => find("file").click());
on(find("file"), "change", () => {
  const [file] = find("file").files;
  if (file) take(file);
  find("file").value = ""; // so that the same file can be chosen again
});
on(essay, "input", measure);
on(essay, "keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) explainText();
});
find("examples").append(
  ...EXAMPLES.map(({ label, text }) =>
    on(element("button", { type: "button" }, label), "click", () => {
      setText(text);
      explainText();
    }),
  ),
);
find("meaning").append(drawMeaning());
acceptDrops();
measure();
