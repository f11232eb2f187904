// How many texts have which verdict, in a sentence.

import { whole } from "./numbers.js";
import { plural } from "./plural.js";

/** The counts of the rows of results.csv. */
export function summary(rows) {
  const count = (verdict) => rows.filter((row) => row.verdict === verdict).length;
  const problems = rows.filter((row) => row.problem).length;
  const counts =
    `${plural(rows.length, "text")}: ${whole(count("generated"))} generated, ` +
    `${whole(count("human"))} human, ${whole(count("uncertain"))} uncertain` +
    (count("mixed") ? `, ${whole(count("mixed"))} mixed` : "");
  return problems ? `${counts}, of which ${whole(problems)} could not be read.` : `${counts}.`;
}
