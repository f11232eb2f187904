// Marked passages: where a text reads as generated, and how much of it.

import { element } from "./dom.js";
import { plural } from "./plural.js";
import { oneIn } from "./numbers.js";

/** The largest share of people's texts in which any passage is marked. */
const MAX_RATE = 0.01;
const CAPTION = "They are underlined in the text. Ask how they were written before you conclude.";

/** Whether each sentence lies in a marked passage; explanations of earlier versions mark none. */
export function markedSentences({ sentences, passages = [] }) {
  return sentences.map((sentence) =>
    passages.some(([start, end]) => start <= sentence.start && sentence.start < end),
  );
}

/** What is marked, in sentences; null if nothing is. */
export function drawPassages(explanation) {
  const { passages = [], share_generated: share, sentences, words, fpr } = explanation;
  if (!passages.length) return null;
  const marked = markedSentences(explanation);
  const count = sentences.reduce((sum, one, index) => sum + (marked[index] ? one.words : 0), 0);
  const rate = oneIn(Math.min(fpr, MAX_RATE));
  const said =
    `${plural(passages.length, "passage")} of ${plural(count, "word")}, of ${plural(words, "word")} ` +
    `in all, ${passages.length === 1 ? "reads" : "read"} as generated; about ${rate} texts by ` +
    `people have any. A model wrote ${percent(share.low)} to ${percent(share.high)} of the ` +
    "sentences (90 % interval).";
  return element(
    "div",
    { class: "passages" },
    element("h3", {}, "Marked passages"),
    element("p", {}, said),
    element("p", { class: "caption" }, CAPTION),
  );
}

function percent(share) {
  return `${Math.round(share * 100)} %`;
}
