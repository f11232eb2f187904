// The page: sends a text or a file to the service and shows the result.

import { makeDetector, showDetectors } from "./detectors.js";
import { drawDocuments } from "./documents.js";
import { element, on } from "./dom.js";
import { EXAMPLES } from "./examples.js";
import { drawExplanation } from "./explanation.js";
import { drawFile } from "./files.js";
import { drawGuide } from "./guide.js";
import { describe, plural } from "./plural.js";
import { saveAs } from "./save.js";
import { headline } from "./scale.js";
import { explain, needsKey, readDocuments, report, setKey } from "./service.js";

const MIN_WORDS = 50;

const find = (id) => document.getElementById(id);
const input = find("text");
const result = find("result");
const errorBox = find("error");

let running = null;
let retry = null; // repeats the last request once there is a key
let leftOut = {}; // of the document whose text is in the box

/** Runs one request at a time: a new one cancels the one before. */
async function run(message, work) {
  running?.abort();
  const controller = new AbortController();
  running = controller;
  retry = () => run(message, work);
  errorBox.hidden = true;
  result.hidden = true;
  find("status").textContent = message;
  const waiting = element("div");
  find("waiting").replaceChildren(waiting);
  try {
    const { status, nodes } = await work(controller.signal, waiting);
    if (running !== controller) return;
    find("status").textContent = status;
    find("key-row").hidden = true;
    if (!nodes) return; // what there is to see is not a result
    result.replaceChildren(...nodes);
    result.hidden = false;
    result.focus({ preventScroll: true });
    result.scrollIntoView({ behavior: scrollBehavior(), block: "start" });
  } catch (error) {
    if (running !== controller) return;
    find("status").textContent = "";
    if (error.status === 401) askForKey();
    showError(error.message);
  } finally {
    waiting.remove();
  }
}

function showError(message) {
  errorBox.textContent = message;
  errorBox.hidden = false;
}

/** Shows the detectors, once there is a key if one is needed. */
async function offerDetectors() {
  try {
    const missing = !find("key").value && (await needsKey());
    if (!missing) await showDetectors();
    find("key-row").hidden = !missing;
  } catch (error) {
    // a request that is repeated says by itself what is wrong
    if (error.status === 401 && !retry) showError(error.message);
  }
}

function checkPeople() {
  const files = [...find("people").files];
  const name = find("name").value.trim();
  if (!files.length || !name) return; // the browser says what is missing
  run(`Reading ${named(files)}…`, (signal, waiting) => makeDetector(files, name, waiting, signal));
}

function askForKey() {
  find("key-row").hidden = false;
  find("key").focus();
}

function checkText() {
  const text = input.value;
  if (!text.trim()) {
    showError("There is no text yet. Paste one, choose a file or try an example.");
    input.focus();
    return;
  }
  run("Reading the text…", async (signal) => {
    const about = { text, left_out: leftOut };
    const explanation = await explain(about, signal);
    const drawing = element("div", { class: "drawing" });
    drawExplanation(drawing, explanation);
    const actions = element("div", { class: "result-actions" }, reportButton(about));
    return { status: `${headline(explanation)}.`, nodes: [actions, drawing] };
  });
}

function reportButton(about) {
  const button = element("button", { type: "button" }, "Download report");
  return on(button, "click", async () => {
    button.disabled = true;
    try {
      saveAs("report.html", await report(about));
    } catch (error) {
      showError(error.message);
      errorBox.focus();
    } finally {
      button.disabled = false;
    }
  });
}

const TABLE = /\.(csv|tsv|jsonl|ndjson|parquet)(\.gz)?$/i;
const DOCUMENT = /\.(pdf|docx|docm|html?|xhtml|md|markdown|txt|text|zip|rtf|doc|odt|pages|wpd)$/i;

async function checkFiles(files) {
  find("documents").hidden = true;
  const [file] = files;
  if (files.length === 1 && /\.txt$/i.test(file.name)) {
    setText(await file.text());
    checkText();
  } else if (files.some((one) => TABLE.test(one.name)) && files.length > 1) {
    showError("Please drop a table by itself.");
  } else if (files.length > 1 || DOCUMENT.test(file.name)) {
    showDocuments(files);
  } else {
    checkTable(file);
  }
}

/** Shows the texts of documents, which the user can correct: there is no verdict yet. */
function showDocuments(files) {
  run(`Reading ${named(files)}…`, async (signal) => {
    const documents = await readDocuments(files, signal);
    const [one] = documents;
    if (documents.length === 1 && !one.problem) {
      setText(one.text, one.left_out);
      input.focus();
      const without = describe(leftOut);
      const note = without ? ` Left out: ${without}.` : "";
      return { status: `This is the text of ${one.id}: correct it if need be, then check it.${note}` };
    }
    find("documents").replaceChildren(
      drawDocuments(documents, (table, read) =>
        checkTable(table, "Results of the documents", read),
      ),
    );
    find("documents").hidden = false;
    find("documents").scrollIntoView({ behavior: scrollBehavior(), block: "start" });
    return { status: `${plural(documents.length, "document")} read.` };
  });
}

function named(files) {
  return files.length === 1 ? files[0].name : plural(files.length, "file");
}

function checkTable(file, title, documents) {
  run(`Reading ${file.name}…`, async (signal, waiting) => {
    const { count, nodes } = await drawFile(file, waiting, signal, title, documents);
    return { status: `${plural(count, "text")} read.`, nodes };
  });
}

function setText(text, without = {}) {
  input.value = text;
  leftOut = without;
  showWordCount();
}

function showWordCount() {
  const words = input.value.trim().split(/\s+/).filter(Boolean).length;
  const short = words > 0 && words < MIN_WORDS ? `; a verdict needs at least ${MIN_WORDS}` : "";
  find("word-count").textContent = words ? `${plural(words, "word")}${short}` : "";
}

function scrollBehavior() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}

function acceptDrops() {
  const root = document.documentElement;
  const hasFile = (event) => event.dataTransfer?.types.includes("Files");
  on(document, "dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    root.classList.add("dropping");
  });
  on(document, "dragleave", (event) => {
    if (event.relatedTarget === null) root.classList.remove("dropping");
  });
  on(document, "drop", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    root.classList.remove("dropping");
    if (event.dataTransfer.files.length) checkFiles([...event.dataTransfer.files]);
  });
}

on(find("form"), "submit", (event) => {
  event.preventDefault();
  setKey(find("key").value);
  checkText(); // as it is now: it can have changed since a key was asked for
});
on(find("key-row"), "submit", (event) => {
  event.preventDefault();
  setKey(find("key").value);
  offerDetectors();
  retry?.();
});
on(find("operate-form"), "submit", (event) => {
  event.preventDefault();
  setKey(find("key").value);
  checkPeople();
});
on(find("choose"), "click", () => find("file").click());
on(find("file"), "change", () => {
  const files = [...find("file").files];
  if (files.length) checkFiles(files);
  find("file").value = ""; // so that the same file can be chosen again
});
on(input, "input", showWordCount);
on(input, "beforeinput", () => {
  // what replaces the whole text is not of the document
  if (input.selectionStart === 0 && input.selectionEnd === input.value.length) leftOut = {};
});
on(input, "keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) checkText();
});
find("examples").append(
  ...EXAMPLES.map(({ label, text }) =>
    on(element("button", { type: "button" }, label), "click", () => {
      setText(text);
      checkText();
    }),
  ),
);
find("guide").append(drawGuide());
acceptDrops();
showWordCount();
offerDetectors();
