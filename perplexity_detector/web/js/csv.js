// Csv as in RFC 4180: quoted fields may hold commas, quotes and line breaks.

const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;

/** One object per row, with the names of the first row as keys. */
export function parseCsv(text) {
  const [names, ...rows] = parseRows(text);
  return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index] ?? ""])));
}

/** The inverse of `parseCsv`, for one row or more. */
export function formatCsv(rows) {
  const quote = (value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  return [Object.keys(rows[0]), ...rows.map(Object.values)]
    .map((cells) => `${cells.map((cell) => quote(String(cell))).join(",")}\n`)
    .join("");
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
