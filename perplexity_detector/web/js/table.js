// The results of a file as a table that can be sorted by any column.

import { element, on } from "./dom.js";
import { probability, whole } from "./numbers.js";

/** So many rows are shown at first, and more at each asking: a browser chokes on all at once. */
const PAGE_ROWS = 200;

const COLUMNS = [
  { name: "id", label: "Id", numeric: false },
  { name: "generated", label: "Probability", numeric: true },
  { name: "verdict", label: "Verdict", numeric: false },
  { name: "words", label: "Words", numeric: true },
  { name: "why", label: "Why", numeric: false },
];

/** A table of rows as results.csv has them, the likeliest generated first. */
export function drawTable(rows) {
  const body = element("tbody");
  const count = element("span", { class: "hint" });
  const more = element("button", { type: "button" }, "Show more");
  const heads = COLUMNS.map((column) => {
    const button = element("button", { type: "button" }, column.label);
    on(button, "click", () => sortBy(column));
    return element("th", { scope: "col", class: column.numeric ? "number" : null }, button);
  });
  let sorted = rows;
  let by = null;
  let rising = true;

  const showMore = () => {
    const from = body.rows.length;
    body.append(...sorted.slice(from, from + PAGE_ROWS).map(drawRow));
    count.textContent = `${whole(body.rows.length)} of ${whole(rows.length)} shown`;
    more.hidden = body.rows.length === rows.length;
  };
  const sortBy = (column) => {
    rising = by === column ? !rising : !column.numeric;
    by = column;
    sorted = ordered(rows, column, rising);
    heads.forEach((head, place) => {
      if (COLUMNS[place] === column) head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
    body.replaceChildren();
    showMore();
  };
  on(more, "click", showMore);
  sortBy(COLUMNS[1]);
  const caption = element("caption", {}, "Every text of the file. A column's name sorts by it.");
  const table = element("table", {}, caption, element("thead", {}, element("tr", {}, heads)), body);
  return [
    element("div", { class: "table", role: "group", tabindex: "0", "aria-label": "Table" }, table),
    element("div", { class: "table-foot" }, more, count),
  ];
}

function drawRow(row) {
  const told = row.problem || [row.note, row.why].filter(Boolean).join(". ");
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, row.id),
    element("td", { class: "number" }, probability(Number(row.generated))),
    element("td", { class: `verdict ${row.verdict}` }, row.verdict),
    element("td", { class: "number" }, row.words),
    element("td", {}, told),
  );
}

function ordered(rows, { name, numeric }, rising) {
  const words = new Intl.Collator("en", { numeric: true });
  const compare = numeric
    ? (a, b) => Number(a[name]) - Number(b[name])
    : (a, b) => words.compare(a[name], b[name]);
  return [...rows].sort((a, b) => (rising ? compare(a, b) : compare(b, a)));
}
