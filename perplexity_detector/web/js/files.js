// A file's results: waiting for them, then figures, histogram and table.

import { parseCsv } from "./csv.js";
import { element, on, section } from "./dom.js";
import { drawHistogram } from "./histogram.js";
import { whole } from "./numbers.js";
import { saveAs } from "./save.js";
import { Trouble, jobResults, jobState, removeJob, scoreFile } from "./service.js";
import { drawTable } from "./table.js";
import { counted } from "./words.js";

const POLL_MILLISECONDS = 700;

/**
 * Scores a file; a large one with a bar and a way to stop, shown in `waiting` until it is done.
 *
 * Returns how many texts it had and the nodes that show them. Raises `Trouble`, also where the
 * reader stopped it.
 */
export async function drawFile(file, waiting, signal) {
  const { results, job } = await scoreFile(file, signal);
  const csv = results ?? (await finished(job, waiting, signal));
  const rows = parseCsv(csv);
  const nodes = [
    element("div", { class: "result-actions" }, download(csv)),
    section(
      "file",
      file.name,
      element("p", { class: "caption" }, summary(rows)),
      drawHistogram(rows.map((row) => Number(row.generated))),
      drawTable(rows),
    ),
  ];
  return { count: rows.length, nodes };
}

/** The results of a job, once it is done; the job is removed from the service either way. */
async function finished(job, waiting, signal) {
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
      count.textContent = `${whole(state.rows_done)} of ${counted(state.rows, "text")}`;
      if (state.state === "done") return await jobResults(job.id);
      if (state.state === "failed") throw new Trouble(422, state.detail);
      await pause();
      if (stopped || signal.aborted) throw new Trouble(0, "Stopped; nothing of the file is kept.");
    }
  } finally {
    await removeJob(job.id).catch(() => {}); // the service removes it by itself after a while
  }
}

function summary(rows) {
  const count = (verdict) => rows.filter((row) => row.verdict === verdict).length;
  const problems = rows.filter((row) => row.problem).length;
  const told =
    `${counted(rows.length, "text")}: ${whole(count("generated"))} generated, ` +
    `${whole(count("human"))} human, ${whole(count("uncertain"))} uncertain`;
  return problems ? `${told}, of which ${whole(problems)} could not be read.` : `${told}.`;
}

function download(csv) {
  const button = element("button", { type: "button" }, "Download results.csv");
  return on(button, "click", () => saveAs("results.csv", new Blob([csv], { type: "text/csv" })));
}

function pause() {
  return new Promise((resume) => setTimeout(resume, POLL_MILLISECONDS));
}
