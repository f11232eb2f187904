// Formats numbers for reading.

const MINUS = "\u2212";

/** Two or three decimals; never shown as 0 or 1, which no probability here is. */
export function probability(value) {
  if (value > 0.999) return "> 0.999";
  if (value < 0.001) return "< 0.001";
  return value.toFixed(value > 0.99 || value < 0.01 ? 3 : 2);
}

/** Two or three significant digits, without trailing zeros. */
export function threshold(value) {
  return String(Number(value.toPrecision(value > 0.99 || value < 0.01 ? 3 : 2)));
}

export function decimal(value, digits = 2) {
  return value.toFixed(digits).replace("-", MINUS);
}

/** A decimal with its sign. */
export function signed(value, digits = 2) {
  const shown = decimal(value, digits);
  return value > 0 && Number(value.toFixed(digits)) !== 0 ? `+${shown}` : shown;
}

/** The value of a feature, which can have any size. */
export function value(number) {
  if (number === 0) return "0";
  const size = Math.abs(number);
  if (size >= 1e5 || size < 1e-3) return number.toExponential(1).replaceAll("-", MINUS);
  return decimal(number, size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3);
}

/** A whole number with thousands separators. */
export function whole(number) {
  return number.toLocaleString("en");
}

/** A share as "1 in 12"; a large one as "63 in 100". */
export function oneIn(share) {
  if (share > 0.4) return `${Math.round(share * 100)} in 100`;
  return `1 in ${whole(Number((1 / share).toPrecision(share < 0.01 ? 1 : 2)))}`;
}
