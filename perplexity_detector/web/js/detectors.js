// The detectors of the service: which one answers, and for operators how to make another.

import { parseCsv } from "./csv.js";
import { element, on, section } from "./dom.js";
import { waitForJob } from "./files.js";
import { whole } from "./numbers.js";
import { plural } from "./plural.js";
import { detectors, recalibrate, setDetector } from "./service.js";

const find = (id) => document.getElementById(id);

/** Shows what the service offers. Throws `ServiceError`, also where a key is needed first. */
export async function showDetectors() {
  const { default: usual, detectors: offered, may_recalibrate: mayRecalibrate } = await detectors();
  const select = find("detector");
  const before = select.value;
  const names = offered.map(({ name }) => name);
  select.replaceChildren(
    ...offered.map((one) => element("option", { value: one.name }, label(one, usual))),
  );
  choose(names.includes(before) ? before : usual);
  find("detector-row").hidden = names.length < 2;
  find("operate").hidden = !mayRecalibrate;
}

/**
 * Makes a detector whose thresholds texts by people set: documents, or a table.
 *
 * Returns a status and the nodes that say how these texts were judged before.
 */
export async function makeDetector(files, name, waiting, signal) {
  const rows = parseCsv(await waitForJob(await recalibrate(files, name, signal), waiting, signal));
  await showDetectors();
  choose(name);
  const read = rows.filter((row) => !row.problem);
  const flagged = read.filter((row) => row.verdict === "generated").length;
  const unread = rows.length - read.length;
  const sentences = [
    `${plural(read.length, "text")} by your own people set its thresholds. Before, ` +
      `${whole(flagged)} of them had the verdict “generated”.`,
    unread ? ` ${whole(unread)} could not be used.` : "",
    " It is chosen above, and answers from now on.",
  ];
  return {
    status: `The detector ${name} is made.`,
    nodes: [section("file", `The detector ${name}`, element("p", {}, sentences.join("")))],
  };
}

function choose(name) {
  find("detector").value = name;
  setDetector(name);
}

function label({ name, recalibrated_on: people }, usual) {
  const by = people ? `, calibrated on ${plural(people, "text")}` : "";
  return `${name}${by}${name === usual ? " (default)" : ""}`;
}

on(find("detector"), "change", (event) => setDetector(event.target.value));
