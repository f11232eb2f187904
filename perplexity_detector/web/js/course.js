// Surprisal along the text, averaged over a window, against the range of people's essays.

import { element, on, svg, withVariables } from "./dom.js";
import { decimal, whole } from "./numbers.js";
import { unitOffsets } from "./tokens.js";

const WINDOW = 16;
/** More points than this a screen cannot show. */
const MOST_POINTS = 600;
const SIDE = 1000;

export function drawCourse(explanation) {
  const range = explanation.people?.surprisal ?? null;
  const window = range?.window ?? WINDOW;
  const means = movingMeans(explanation.tokens.surprisal ?? [], window);
  if (means.length < 2) {
    const words = `A line needs more than ${window} tokens; this text is too short for one.`;
    return element("p", { class: "hint" }, words);
  }
  const points = thinned(means);
  const top = Math.ceil(Math.max(range?.high ?? 0, ...points.map(({ mean }) => mean)) + 0.25);
  const line = { points, length: means.length, range, window, top };
  const plot = element("div", { class: "plot" }, picture(line));
  withReading(plot, explanation, line);
  return element(
    "div",
    { class: "course" },
    element("p", { class: "caption" }, describe(means, range, window)),
    element("div", { class: "axes" }, levels(top), plot, rangeLabels(range, top)),
    element(
      "div",
      { class: "ends" },
      element("span", {}, "start"),
      element("span", {}, `${whole(explanation.token_count)} tokens`),
    ),
  );
}

/** Means of `window` values in a row. */
function movingMeans(values, window) {
  const means = [];
  let sum = 0;
  values.forEach((value, place) => {
    sum += value;
    if (place >= window) sum -= values[place - window];
    if (place >= window - 1) means.push(sum / window);
  });
  return means;
}

function thinned(means) {
  const step = Math.max(1, Math.ceil(means.length / MOST_POINTS));
  const points = [];
  for (let place = 0; place < means.length; place += step) points.push({ place, mean: means[place] });
  return points;
}

function describe(means, range, window) {
  const lowest = means.reduce((least, mean) => Math.min(least, mean));
  const highest = means.reduce((most, mean) => Math.max(most, mean));
  const runs =
    `Averaged over ${window} tokens, surprisal runs from ${decimal(lowest, 1)} to ` +
    `${decimal(highest, 1)} nats.`;
  if (!range) return `${runs} What range people's essays keep to is not known to this detector.`;
  const share = (test) => Math.round((100 * means.filter(test).length) / means.length);
  const below = share((mean) => mean < range.low);
  const above = share((mean) => mean > range.high);
  return (
    `${runs} The band is where 80 of 100 such averages of people's essays lie: ` +
    `${below}\u00a0% of this text is below it, ${above}\u00a0% above.`
  );
}

function picture({ points, length, range, top }) {
  const x = (place) => ((SIDE * place) / (length - 1)).toFixed(1);
  const y = (nats) => (SIDE * (1 - nats / top)).toFixed(1);
  const across = (nats, name) =>
    svg("line", { class: name, x1: 0, x2: SIDE, y1: y(nats), y2: y(nats) });
  return svg(
    "svg",
    { viewBox: `0 0 ${SIDE} ${SIDE}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    range
      ? [
          svg("rect", {
            class: "band",
            x: 0,
            width: SIDE,
            y: y(range.high),
            height: y(top - range.high + range.low),
          }),
          across(range.median, "median"),
        ]
      : [],
    svg("polyline", {
      class: "line",
      points: points.map(({ place, mean }) => `${x(place)},${y(mean)}`).join(" "),
    }),
  );
}

function levels(top) {
  const marks = [0, top / 2, top].map((nats) =>
    withVariables(element("span", {}, decimal(nats, Number.isInteger(nats) ? 0 : 1)), {
      "--at": nats / top,
    }),
  );
  return element("div", { class: "levels", "aria-hidden": "true" }, marks);
}

function rangeLabels(range, top) {
  if (!range) return null;
  const label = withVariables(element("span", {}, "people’s median"), {
    "--at": range.median / top,
  });
  return element("div", { class: "labels", "aria-hidden": "true" }, label);
}

/** A cursor along the line, which the pointer or the arrow keys move. */
function withReading(plot, { tokens, text }, { points, length, range, window, top }) {
  const offsets = unitOffsets(text);
  const cursor = element("div", { class: "cursor", hidden: true });
  const reading = element("div", { class: "tip reading", hidden: true, "aria-hidden": "true" });
  plot.append(cursor, reading);
  let at = 0;
  const show = (place) => {
    at = Math.max(0, Math.min(points.length - 1, place));
    const { place: first, mean } = points[at];
    const last = first + window - 1;
    const words = text.slice(offsets[tokens.start[first]], offsets[tokens.end[last]]).trim();
    const told = `${decimal(mean)} nats${standing(mean, range)}`;
    const share = first / (length - 1);
    for (const node of [cursor, reading]) {
      withVariables(node, { "--at": share, "--level": mean / top });
      node.hidden = false;
    }
    reading.replaceChildren(
      element("p", {}, told),
      element("bdi", {}, words.replace(/\s+/g, " ")),
    );
    plot.setAttribute("aria-valuenow", String(first + 1));
    plot.setAttribute("aria-valuetext", `${told}, at: ${words}`);
  };
  const hide = () => {
    cursor.hidden = true;
    reading.hidden = true;
  };
  const attributes = {
    tabindex: "0",
    role: "slider",
    "aria-label": "Surprisal along the text, position",
    "aria-valuemin": "1",
    "aria-valuemax": String(length),
    "aria-valuenow": "1",
  };
  for (const [name, value] of Object.entries(attributes)) plot.setAttribute(name, value);
  on(plot, "pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    show(Math.round(((event.clientX - box.left) / box.width) * (points.length - 1)));
  });
  on(plot, "pointerleave", hide);
  on(plot, "focus", () => plot.matches(":focus-visible") && show(at));
  on(plot, "blur", hide);
  on(plot, "keydown", (event) => {
    const goal = {
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      PageUp: at + 20,
      PageDown: at - 20,
      Home: 0,
      End: points.length - 1,
    }[event.key];
    if (goal === undefined) return;
    event.preventDefault();
    show(goal);
  });
}

function standing(mean, range) {
  if (!range) return "";
  if (mean < range.low) return ", below people’s range";
  return mean > range.high ? ", above people’s range" : ", within people’s range";
}
