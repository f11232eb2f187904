// The index of a folder of reports.

import { element } from "./dom.js";
import { drawHistogram } from "./histogram.js";
import { summary } from "./summary.js";
import { drawTable } from "./table.js";

const { rows } = JSON.parse(document.getElementById("rows").textContent);
document
  .getElementById("reports")
  .append(
    element("p", {}, summary(rows)),
    ...[drawHistogram(rows.map((row) => Number(row.generated)))].flat(),
    ...drawTable(rows),
  );
