// Csv as in RFC 4180: quoted fields may hold commas, quotes and line breaks.

const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;

/** One object per row, with the names of the first row as keys. */
export function parseCsv(text) {
  const [names, ...rows] = parseRows(text);
  return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? ""])));
}

// What a spreadsheet takes for a formula; a number is none.
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** The inverse of `parseCsv`, for one row or more. */
export function formatCsv(rows) {
  return formatRows([Object.keys(rows[0]), ...rows.map(Object.values)]);
}

/** The same csv, with an apostrophe before each cell that a spreadsheet would run as a formula. */
export function forSpreadsheets(text) {
  const safe = (value) => (FORMULA.test(value) && !NUMBER.test(value) ? `'${value}` : value);
  return formatRows(parseRows(text).map((row) => row.map(safe)));
}

function formatRows(rows) {
  const quote = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  return rows.map((cells) => `${cells.map((cell) => quote(String(cell))).join(",")}\n`).join("");
}

function parseRows(text) {
  const rows = [];
  let row = [];
  FIELD.lastIndex = 0;
  while (FIELD.lastIndex < text.length) {
    const [, quoted, plain, end] = FIELD.exec(text) ?? fail();
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ",") continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

function fail() {
  throw new SyntaxError("The results are not valid csv.");
}
