// The results of a file as a table, sortable by column.

import { element, on } from "./dom.js";
import { probability, whole } from "./numbers.js";

/** Rows shown at first, and added by each "Show more": browsers are slow with all at once. */
const PAGE_ROWS = 200;

const COLUMNS = [
  { name: "id", label: "Id", numeric: false },
  { name: "generated", label: "Probability", numeric: true },
  { name: "verdict", label: "Verdict", numeric: false },
  { name: "words", label: "Words", numeric: true },
  { name: "why", label: "Reasons", numeric: false },
];

/** A table of the rows of results.csv, the highest probability first. */
export function drawTable(rows) {
  const body = element("tbody");
  const count = element("span", { class: "hint" });
  const more = element("button", { type: "button" }, "Show more");
  const headers = COLUMNS.map((column) => {
    const button = element("button", { type: "button" }, column.label);
    on(button, "click", () => sortBy(column));
    return element("th", { scope: "col", class: column.numeric ? "number" : null }, button);
  });
  let sorted = rows;
  let by = null;
  let ascending = true;

  const showMore = () => {
    const from = body.rows.length;
    body.append(...sorted.slice(from, from + PAGE_ROWS).map(drawRow));
    count.textContent = `${whole(body.rows.length)} of ${whole(rows.length)} shown`;
    more.hidden = body.rows.length === rows.length;
  };
  const sortBy = (column) => {
    ascending = by === column ? !ascending : !column.numeric;
    by = column;
    sorted = sortRows(rows, column, ascending);
    headers.forEach((header, index) => {
      if (COLUMNS[index] === column) {
        header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      } else {
        header.removeAttribute("aria-sort");
      }
    });
    body.replaceChildren();
    showMore();
  };
  on(more, "click", showMore);
  sortBy(COLUMNS[1]);
  const caption = element("caption", {}, "All texts of the file. Select a column heading to sort by it.");
  const table = element("table", {}, caption, element("thead", {}, element("tr", {}, headers)), body);
  return [
    element("div", { class: "table", role: "group", tabindex: "0", "aria-label": "Table" }, table),
    element("div", { class: "table-foot" }, more, count),
  ];
}

function drawRow(row) {
  const flags = row.flags && `Flags: ${row.flags}`;
  const reasons = row.problem || [row.note, row.why, flags].filter(Boolean).join(". ");
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, row.id),
    element("td", { class: "number" }, probability(Number(row.generated))),
    element("td", { class: `verdict ${row.verdict}` }, row.verdict),
    element("td", { class: "number" }, row.words),
    element("td", {}, reasons ? capitalised(reasons) : ""),
  );
}

function capitalised(words) {
  return words[0].toUpperCase() + words.slice(1);
}

function sortRows(rows, { name, numeric }, ascending) {
  const collator = new Intl.Collator("en", { numeric: true });
  const compare = numeric
    ? (a, b) => Number(a[name]) - Number(b[name])
    : (a, b) => collator.compare(a[name], b[name]);
  return [...rows].sort((a, b) => (ascending ? compare(a, b) : compare(b, a)));
}
