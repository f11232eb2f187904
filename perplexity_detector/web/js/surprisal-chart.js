// Line chart of surprisal along the text, a moving average against the range of human texts.

import { element, on, svg, withVariables } from "./dom.js";
import { decimal, whole } from "./numbers.js";
import { unitOffsets } from "./tokens.js";

const DEFAULT_WINDOW = 16;
/** A screen cannot show more points than this. */
const MAX_POINTS = 600;
const SIZE = 1000;

/** The chart of an explanation, or a hint if the text is too short for one. */
export function drawSurprisalChart(explanation) {
  const range = explanation.people?.surprisal ?? null;
  const window = range?.window ?? DEFAULT_WINDOW;
  const means = movingMeans(explanation.tokens.surprisal ?? [], window);
  if (means.length < 2) {
    const words = `This text is too short for a chart, which needs more than ${window} tokens.`;
    return element("p", { class: "hint" }, words);
  }
  const points = downsample(means);
  const top = Math.ceil(Math.max(range?.high ?? 0, ...points.map(({ mean }) => mean)) + 0.25);
  const line = { points, length: means.length, range, window, top };
  const plot = element("div", { class: "plot" }, drawLine(line));
  addCursor(plot, explanation, line);
  return element(
    "div",
    { class: "surprisal-chart" },
    element("p", { class: "caption" }, caption(means, range, window)),
    element("div", { class: "axes" }, levels(top), plot, medianLabel(range, top)),
    element(
      "div",
      { class: "ends" },
      element("span", {}, "start"),
      element("span", {}, `${whole(explanation.token_count)} tokens`),
    ),
  );
}

/** Means of `window` consecutive values. */
function movingMeans(values, window) {
  const means = [];
  let sum = 0;
  values.forEach((value, index) => {
    sum += value;
    if (index >= window) sum -= values[index - window];
    if (index >= window - 1) means.push(sum / window);
  });
  return means;
}

function downsample(means) {
  const step = Math.max(1, Math.ceil(means.length / MAX_POINTS));
  const points = [];
  for (let index = 0; index < means.length; index += step) {
    points.push({ index, mean: means[index] });
  }
  return points;
}

function caption(means, range, window) {
  const lowest = means.reduce((least, mean) => Math.min(least, mean));
  const highest = means.reduce((most, mean) => Math.max(most, mean));
  const extent =
    `Averaged over ${window} tokens, surprisal ranges from ${decimal(lowest, 1)} to ` +
    `${decimal(highest, 1)} nats.`;
  if (!range) return `${extent} The range of human texts is not known for this detector.`;
  const percent = (test) => Math.round((100 * means.filter(test).length) / means.length);
  const below = percent((mean) => mean < range.low);
  const above = percent((mean) => mean > range.high);
  return (
    `${extent} The band holds 80\u00a0% of such averages in human essays; ${below}\u00a0% of this ` +
    `text lies below it, ${above}\u00a0% above.`
  );
}

function drawLine({ points, length, range, top }) {
  const x = (index) => ((SIZE * index) / (length - 1)).toFixed(1);
  const y = (nats) => (SIZE * (1 - nats / top)).toFixed(1);
  const horizontal = (nats, name) =>
    svg("line", { class: name, x1: 0, x2: SIZE, y1: y(nats), y2: y(nats) });
  return svg(
    "svg",
    { viewBox: `0 0 ${SIZE} ${SIZE}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    range
      ? [
          svg("rect", {
            class: "band",
            x: 0,
            width: SIZE,
            y: y(range.high),
            height: y(top - range.high + range.low),
          }),
          horizontal(range.median, "median"),
        ]
      : [],
    svg("polyline", {
      class: "line",
      points: points.map(({ index, mean }) => `${x(index)},${y(mean)}`).join(" "),
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

function medianLabel(range, top) {
  if (!range) return null;
  const label = withVariables(element("span", {}, "human median"), { "--at": range.median / top });
  return element("div", { class: "labels", "aria-hidden": "true" }, label);
}

/** A cursor along the line, moved by the pointer or the arrow keys. */
function addCursor(plot, { tokens, text }, { points, length, range, window, top }) {
  const offsets = unitOffsets(text);
  const cursor = element("div", { class: "cursor", hidden: true });
  const tooltip = element("div", { class: "tooltip reading", hidden: true, "aria-hidden": "true" });
  plot.append(cursor, tooltip);
  let current = 0;
  const show = (point) => {
    current = Math.max(0, Math.min(points.length - 1, point));
    const { index: first, mean } = points[current];
    const last = first + window - 1;
    const words = text.slice(offsets[tokens.start[first]], offsets[tokens.end[last]]).trim();
    const reading = `${decimal(mean)} nats${comparison(mean, range)}`;
    const share = first / (length - 1);
    for (const node of [cursor, tooltip]) {
      withVariables(node, { "--at": share, "--level": mean / top });
      node.hidden = false;
    }
    tooltip.replaceChildren(
      element("p", {}, reading),
      element("bdi", {}, words.replace(/\s+/g, " ")),
    );
    plot.setAttribute("aria-valuenow", String(first + 1));
    plot.setAttribute("aria-valuetext", `${reading}, at: ${words}`);
  };
  const hide = () => {
    cursor.hidden = true;
    tooltip.hidden = true;
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
  on(plot, "focus", () => plot.matches(":focus-visible") && show(current));
  on(plot, "blur", hide);
  on(plot, "keydown", (event) => {
    const target = {
      ArrowRight: current + 1,
      ArrowUp: current + 1,
      ArrowLeft: current - 1,
      ArrowDown: current - 1,
      PageUp: current + 20,
      PageDown: current - 20,
      Home: 0,
      End: points.length - 1,
    }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    show(target);
  });
}

function comparison(mean, range) {
  if (!range) return "";
  if (mean < range.low) return ", below the human range";
  return mean > range.high ? ", above the human range" : ", within the human range";
}
