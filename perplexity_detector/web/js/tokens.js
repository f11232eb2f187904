// Tokens with their offsets in code points -> pieces of a JavaScript string, each drawn once.

/** For each code point, and for the end, where it starts in the string's UTF-16. */
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
 * What is seen as one: a token, or several where they share a character (an emoji is many bytes).
 *
 * Several together have the sum of their surprisals (the chain rule) and the largest rank.
 */
export function pieces({ tokens }) {
  const found = [];
  let seen = 0;
  tokens.start.forEach((start, token) => {
    const numbers = numbersOf(tokens, token);
    if (tokens.end[token] > seen) {
      found.push({ start: Math.max(start, seen), end: tokens.end[token], tokens: 1, ...numbers });
      seen = tokens.end[token];
    } else if (found.length) {
      joined(found.at(-1), numbers);
    }
  });
  return found;
}

function numbersOf(tokens, token) {
  const of = (column) => (column ? column[token] : null);
  return {
    surprisal: of(tokens.surprisal),
    rank: of(tokens.rank),
    entropy: of(tokens.entropy),
    contrast: of(tokens.contrast),
  };
}

function joined(piece, numbers) {
  piece.tokens += 1;
  piece.rank = Math.max(piece.rank, numbers.rank);
  for (const name of ["surprisal", "contrast"]) {
    if (piece[name] !== null) piece[name] += numbers[name];
  }
}
