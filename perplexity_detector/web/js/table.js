// Results as a table that sorts by column and filters by id and verdict.

import { element, on } from "./dom.js";
import { probability, whole } from "./numbers.js";
import { plural } from "./plural.js";

/** Rows shown at first, and added by each "Show more": browsers are slow with all at once. */
const PAGE_ROWS = 200;

const COLUMNS = [
  { name: "id", label: "Id", numeric: false },
  { name: "generated", label: "Probability", numeric: true },
  { name: "verdict", label: "Verdict", numeric: false },
  { name: "words", label: "Words", numeric: true },
  { name: "why", label: "Reasons", numeric: false },
];

const VERDICTS = ["all verdicts", "generated", "mixed", "uncertain", "human"];

/**
 * A table of the rows of results.csv, the highest probability first.
 *
 * A row with `report` links to it.
 */
export function drawTable(rows) {
  const body = element("tbody");
  const count = element("span", { class: "hint" });
  const more = element("button", { type: "button" }, "Show more");
  const headers = COLUMNS.map((column) => {
    const button = element("button", { type: "button" }, column.label);
    on(button, "click", () => sortBy(column));
    return element("th", { scope: "col", class: column.numeric ? "number" : null }, button);
  });
  const search = element("input", { type: "search", "aria-label": "Show ids that contain" });
  search.placeholder = "Find an id";
  const options = VERDICTS.map((one, index) => element("option", { value: index ? one : "" }, one));
  const verdict = element("select", { "aria-label": "Show verdicts" }, options);
  let sorted = rows;
  let chosen = rows;
  let by = null;
  let ascending = true;

  const showMore = () => {
    const from = body.rows.length;
    body.append(...chosen.slice(from, from + PAGE_ROWS).map(drawRow));
    count.textContent = `${whole(body.rows.length)} of ${whole(rows.length)} shown`;
    more.hidden = body.rows.length === chosen.length;
  };
  const filter = () => {
    const part = search.value.trim().toLowerCase();
    chosen = sorted.filter(
      (row) =>
        row.id.toLowerCase().includes(part) && (!verdict.value || row.verdict === verdict.value),
    );
    body.replaceChildren();
    showMore();
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
    filter();
  };
  on(more, "click", showMore);
  on(search, "input", filter);
  on(verdict, "change", filter);
  sortBy(COLUMNS[1]);
  const caption = element("caption", {}, "Select a column heading to sort by it.");
  const table = element("table", {}, caption, element("thead", {}, element("tr", {}, headers)), body);
  return [
    element("div", { class: "table-filter" }, search, verdict),
    element("div", { class: "table", role: "group", tabindex: "0", "aria-label": "Table" }, table),
    element("div", { class: "table-foot" }, more, count),
  ];
}

function drawRow(row) {
  const flags = row.flags && `Flags: ${row.flags}`;
  const passages = Number(row.passages) ? `${plural(Number(row.passages), "passage")} marked` : "";
  const reasons =
    row.problem || [row.note, passages, row.why, flags, leftOut(row)].filter(Boolean).join(". ");
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, row.report ? element("a", { href: row.report }, row.id) : row.id),
    element("td", { class: "number" }, probability(Number(row.generated))),
    element("td", { class: `verdict ${row.verdict}` }, row.verdict),
    element("td", { class: "number" }, row.words),
    element("td", {}, reasons ? capitalised(reasons) : ""),
  );
}

function leftOut(row) {
  return row.left_out ? `Left out: ${row.left_out}` : "";
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
