// The text as nodes: a span a sentence, in it a span a piece.

import { element } from "./dom.js";
import { unitOffsets } from "./tokens.js";

/**
 * Lays out the text of an explanation.
 *
 * Returns `root`, a fragment to show; `nodes`, the span of each piece; `sentences`, the span of
 * each sentence; and `slice(start, end)`, the text between two code points.
 */
export function laidOut({ text, sentences }, pieces) {
  const offsets = unitOffsets(text);
  const slice = (start, end) => text.slice(offsets[start], offsets[end]);
  const root = document.createDocumentFragment();
  const spans = sentences.map((_, place) => element("span", { "data-sentence": place }));
  let next = 0;
  const holderAt = (point) => {
    while (next < sentences.length && sentences[next].end <= point) next += 1;
    if (next === sentences.length || point < sentences[next].start) return root;
    if (!spans[next].parentNode) root.append(spans[next]);
    return spans[next];
  };
  /** Text that no piece covers, cut where sentences begin and end. */
  const plain = (start, end) => {
    let from = start;
    while (from < end) {
      const holder = holderAt(from);
      const bound = holder === root ? sentences[next]?.start ?? end : sentences[next].end;
      const to = Math.min(bound, end);
      holder.append(slice(from, to));
      from = to;
    }
  };
  let written = 0;
  const nodes = pieces.map((piece, place) => {
    const lead = spacesBefore(slice(piece.start, piece.end));
    plain(written, piece.start + lead);
    const node = element("span", { "data-piece": place });
    node.append(slice(piece.start + lead, piece.end));
    holderAt(piece.start + lead).append(node);
    written = piece.end;
    return node;
  });
  plain(written, offsets.length - 1);
  return { root, nodes, sentences: spans, slice };
}

/** How many spaces a piece begins with: they stay white, unless it is nothing but spaces. */
function spacesBefore(written) {
  const lead = written.length - written.trimStart().length;
  return lead < written.length ? lead : 0;
}
