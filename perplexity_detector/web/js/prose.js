// The text as nodes: one span per sentence, and in it one span per piece.

import { element } from "./dom.js";
import { markedSentences } from "./passages.js";
import { unitOffsets } from "./tokens.js";

/**
 * Lays out the text of an explanation.
 *
 * Returns `root`, a fragment to show; `nodes`, the span of each piece; `sentences`, the span of
 * each sentence; and `slice(start, end)`, the text between two code points.
 */
export function layoutText(explanation, pieces) {
  const { text, sentences } = explanation;
  const offsets = unitOffsets(text);
  const slice = (start, end) => text.slice(offsets[start], offsets[end]);
  const root = document.createDocumentFragment();
  const spans = markedSentences(explanation).map((marked, index) =>
    element("span", { "data-sentence": index, "data-marked": marked ? "" : null }),
  );
  let next = 0;
  /** The sentence that holds a code point, or the root; called with rising code points. */
  const parentAt = (point) => {
    while (next < sentences.length && sentences[next].end <= point) next += 1;
    if (next === sentences.length || point < sentences[next].start) return root;
    if (!spans[next].parentNode) root.append(spans[next]);
    return spans[next];
  };
  /** Appends text that no piece covers, cut at the ends of sentences. */
  const appendPlain = (start, end) => {
    let from = start;
    while (from < end) {
      const parent = parentAt(from);
      const bound = parent === root ? sentences[next]?.start ?? end : sentences[next].end;
      const to = Math.min(bound, end);
      parent.append(slice(from, to));
      from = to;
    }
  };
  let done = 0;
  const nodes = pieces.map((piece, index) => {
    const start = piece.start + leadingSpaces(slice(piece.start, piece.end));
    appendPlain(done, start);
    const node = element("span", { "data-piece": index });
    node.append(slice(start, piece.end));
    parentAt(start).append(node);
    done = piece.end;
    return node;
  });
  appendPlain(done, offsets.length - 1);
  return { root, nodes, sentences: spans, slice };
}

/** Spaces at the start of a piece, which get no colour; 0 if the piece is nothing but spaces. */
function leadingSpaces(text) {
  const count = text.length - text.trimStart().length;
  return count < text.length ? count : 0;
}
