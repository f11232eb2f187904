// The results of a file: progress, summary, histogram and table.

import { forSpreadsheets, formatCsv, parseCsv } from "./csv.js";
import { element, on, section } from "./dom.js";
import { drawHistogram } from "./histogram.js";
import { whole } from "./numbers.js";
import { describe, plural } from "./plural.js";
import { saveAs } from "./save.js";
import { ServiceError, jobResults, jobState, removeJob, scoreFile } from "./service.js";
import { summary } from "./summary.js";
import { drawTable } from "./table.js";

const POLL_MILLISECONDS = 700;

/**
 * Scores a file. A large one shows its progress and a stop button in `waiting`.
 *
 * If its rows are the texts of documents, these tell what was left out of them. Returns the number of texts and the nodes that show them. Throws `ServiceError`, also when the
 * user stops it.
 */
export async function drawFile(file, waiting, signal, title = file.name, documents = []) {
  const { results, job } = await scoreFile(file, signal);
  const scored = results ?? (await waitForJob(job, waiting, signal));
  const rows = withDocuments(parseCsv(scored), documents);
  const csv = documents.length ? formatCsv(rows) : scored;
  const nodes = [
    element("div", { class: "result-actions" }, downloadButton(csv)),
    section(
      "file",
      title,
      element("p", {}, summary(rows)),
      drawHistogram(rows.map((row) => Number(row.generated))),
      drawTable(rows),
    ),
  ];
  return { count: rows.length, nodes };
}

/** The results of a job once it is done; the service then deletes the job, also after an error. */
export async function waitForJob(job, waiting, signal) {
  const bar = element("progress", { max: job.rows, value: 0, "aria-label": "Texts read" });
  const count = element("span", { class: "hint" });
  const stop = element("button", { type: "button" }, "Stop");
  let stopped = false;
  on(stop, "click", () => {
    stopped = true;
    stop.disabled = true;
  });
  waiting.append(element("div", { class: "job" }, bar, count, stop));
  try {
    for (let state = job; ; state = await jobState(job.id)) {
      bar.value = state.rows_done;
      count.textContent = `${whole(state.rows_done)} of ${plural(state.rows, "text")}`;
      if (state.state === "done") return await jobResults(job.id);
      if (state.state === "failed") throw new ServiceError(422, state.detail);
      await pause();
      if (stopped || signal.aborted) throw new ServiceError(0, "Stopped. The file was deleted.");
    }
  } finally {
    await removeJob(job.id).catch(() => {}); // the service deletes it after a while anyway
  }
}

/** Rows with the flags of their documents, in the same order, and what was left out of these. */
function withDocuments(rows, documents) {
  return documents.length ? rows.map((row, index) => withDocument(row, documents[index])) : rows;
}

function withDocument(row, { flags, left_out: leftOut }) {
  const sentences = [row.flags, ...flags.map(({ sentence }) => sentence)];
  return { ...row, flags: sentences.filter(Boolean).join("; "), left_out: describe(leftOut) };
}

function downloadButton(csv) {
  const button = element("button", { type: "button" }, "Download results.csv");
  return on(button, "click", () => saveAs("results.csv", new Blob([forSpreadsheets(csv)], { type: "text/csv" })));
}

function pause() {
  return new Promise((resume) => setTimeout(resume, POLL_MILLISECONDS));
}
