// Tokens, with offsets in code points -> pieces of a JavaScript string.

/** For each code point, and for the end, its offset in UTF-16 code units. */
export function unitOffsets(text) {
  const offsets = new Uint32Array(text.length + 1);
  let points = 0;
  let units = 0;
  for (const point of text) {
    offsets[points] = units;
    points += 1;
    units += point.length;
  }
  offsets[points] = units;
  return offsets.subarray(0, points + 1);
}

/**
 * Pieces to draw: single tokens, or several that share a character (an emoji can be many tokens).
 *
 * A piece of several tokens has the sum of their surprisals (the chain rule) and the largest rank.
 */
export function mergeTokens({ tokens }) {
  const pieces = [];
  let done = 0;
  tokens.start.forEach((start, index) => {
    const numbers = numbersOf(tokens, index);
    if (tokens.end[index] > done) {
      pieces.push({ start: Math.max(start, done), end: tokens.end[index], tokens: 1, ...numbers });
      done = tokens.end[index];
    } else if (pieces.length) {
      addToken(pieces.at(-1), numbers);
    }
  });
  return pieces;
}

function numbersOf(tokens, index) {
  const at = (column) => (column ? column[index] : null);
  return {
    surprisal: at(tokens.surprisal),
    rank: at(tokens.rank),
    entropy: at(tokens.entropy),
    contrast: at(tokens.contrast),
  };
}

function addToken(piece, numbers) {
  piece.tokens += 1;
  piece.rank = Math.max(piece.rank, numbers.rank);
  for (const name of ["surprisal", "contrast"]) {
    if (piece[name] !== null) piece[name] += numbers[name];
  }
}
