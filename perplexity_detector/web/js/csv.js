// Reads csv as RFC 4180 has it: quoted fields may hold commas, quotes and line breaks.

const FIELD = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;

/** Objects, one a row, by the names in the first row. */
export function parseCsv(text) {
  const [names, ...rows] = rowsOf(text);
  return rows.map((row) => Object.fromEntries(names.map((name, place) => [name, row[place] ?? ""])));
}

function rowsOf(text) {
  const rows = [];
  let row = [];
  FIELD.lastIndex = 0;
  while (FIELD.lastIndex < text.length) {
    const [, quoted, plain, end] = FIELD.exec(text) ?? ruined();
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ",") continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

function ruined() {
  throw new SyntaxError("The results are not valid csv.");
}
