(() => {
  // perplexity_detector/web/js/dom.js
  var SVG = "http://www.w3.org/2000/svg";
  function element(name, attributes = {}, ...children) {
    return fill(document.createElement(name), attributes, children);
  }
  function svg(name, attributes = {}, ...children) {
    return fill(document.createElementNS(SVG, name), attributes, children);
  }
  function withVariables(node, variables) {
    for (const [name, value2] of Object.entries(variables)) node.style.setProperty(name, value2);
    return node;
  }
  function on(node, type, listener) {
    node.addEventListener(type, listener);
    return node;
  }
  var lastId = 0;
  function uniqueId(name) {
    lastId += 1;
    return `${name}-${lastId}`;
  }
  function section(name, title, ...children) {
    const id = uniqueId(name);
    return element(
      "section",
      { class: name, "aria-labelledby": id },
      element("h2", { id }, title),
      ...children
    );
  }
  function fill(node, attributes, children) {
    for (const [name, value2] of Object.entries(attributes)) {
      if (value2 === null || value2 === void 0 || value2 === false) continue;
      node.setAttribute(name, value2 === true ? "" : value2);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== void 0));
    return node;
  }

  // perplexity_detector/web/js/cover.js
  var ADVICE_TITLE = "How to read this, if the text is yours";
  function drawCover(explanation2) {
    return section(
      "cover",
      explanation2.id ? `Report on ${explanation2.id}` : "Report on one text",
      element(
        "div",
        { class: "columns" },
        element("div", {}, element("h3", {}, ADVICE_TITLE), drawAdvice(explanation2.fpr)),
        element("div", {}, element("h3", {}, "What it was made with"), drawProvenance(explanation2))
      )
    );
  }
  function drawProvenance({ text_sha256: textHash, words, provenance }) {
    const { settings } = provenance;
    const entries = [
      ["Made", `${provenance.time.replace("T", " ").replace(/(\+00:00|Z)$/, "")} UTC`],
      ["Program", `perplexity-detector ${provenance.package_version}`],
      ["Detector", provenance.detector ?? "without a name"],
      ["Detector\u2019s SHA-256", hash(provenance.detector_sha256)],
      ["Language model", hash(provenance.language_model ?? "none")],
      ["Precision", provenance.precision],
      ["Device", settings.cache ? `${settings.device}, with a cache` : settings.device],
      ["False-positive rate", percent(settings.fpr)],
      ["Words", words],
      ["Text\u2019s SHA-256", hash(textHash)]
    ];
    return element(
      "dl",
      { class: "provenance" },
      entries.filter(([, value2]) => value2).map(
        ([term, value2]) => element("div", {}, element("dt", {}, term), element("dd", {}, value2))
      )
    );
  }
  function drawAdvice(fpr) {
    const advice = [
      "This is an estimate by a program, not proof. The program saw only the words below: not your drafts, not your notes, not you.",
      `It makes mistakes. It is set to call about ${percent(fpr)} of texts by people \u201Cgenerated\u201D; for some kinds of writing it is several times as many.`,
      "\u201CUncertain\u201D means that the program cannot tell. It is no suspicion.",
      "Check that the text below is yours, complete and unchanged. Then show how you wrote it: drafts, the history of the file, notes and earlier work say more than a number.",
      "You may ask for this file. Anyone can have its numbers computed again from the text, with perplexity-detector verify FILE. That shows whether the numbers are right, and not who wrote the text."
    ];
    return element(
      "div",
      { class: "advice" },
      advice.map((paragraph) => element("p", {}, paragraph))
    );
  }
  function hash(digest) {
    return element("code", {}, digest);
  }
  function percent(rate) {
    return `${Number((100 * rate).toPrecision(3))}%`;
  }

  // perplexity_detector/web/js/numbers.js
  var MINUS = "\u2212";
  function probability(value2) {
    if (value2 > 0.999) return "> 0.999";
    if (value2 < 1e-3) return "< 0.001";
    return value2.toFixed(value2 > 0.99 || value2 < 0.01 ? 3 : 2);
  }
  function threshold(value2) {
    return String(Number(value2.toPrecision(value2 > 0.99 || value2 < 0.01 ? 3 : 2)));
  }
  function decimal(value2, digits = 2) {
    return value2.toFixed(digits).replace("-", MINUS);
  }
  function signed(value2, digits = 2) {
    const shown = decimal(value2, digits);
    return value2 > 0 && Number(value2.toFixed(digits)) !== 0 ? `+${shown}` : shown;
  }
  function value(number) {
    if (number === 0) return "0";
    const size = Math.abs(number);
    if (size >= 1e5 || size < 1e-3) return number.toExponential(1).replaceAll("-", MINUS);
    return decimal(number, size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3);
  }
  function whole(number) {
    return number.toLocaleString("en");
  }
  function oneIn(share) {
    if (share > 0.4) return `${Math.round(share * 100)} in 100`;
    return `1 in ${whole(Number((1 / share).toPrecision(share < 0.01 ? 1 : 2)))}`;
  }

  // perplexity_detector/web/js/contributions.js
  var EMPTY = "This detector does not report the contributions of its features.";
  var MIN_SCALE = 0.1;
  function drawContributions({ families, features, base, probability: chance }) {
    if (!families.length) return element("p", { class: "hint" }, EMPTY);
    const sizes = [...families, ...features].map(({ contribution }) => Math.abs(contribution));
    const scale = sizes.reduce((most, size) => Math.max(most, size), MIN_SCALE);
    return element(
      "div",
      { class: "contributions" },
      element(
        "p",
        { class: "caption" },
        "How much each group of features pushed the result towards \u201Chuman\u201D or \u201Cgenerated\u201D. ",
        element("span", { class: "screen-only" }, "Select a group to see its features.")
      ),
      element(
        "p",
        { class: "sides", "aria-hidden": "true" },
        element("span", {}, "human"),
        element("span", {}, "generated")
      ),
      element(
        "ul",
        { class: "rows" },
        families.map(
          (family) => familyRow(family, features.filter((feature) => feature.family === family.name), scale)
        )
      ),
      element("p", { class: "caption" }, total(families, base, chance))
    );
  }
  function total(families, base, chance) {
    const sum = families.reduce((partial, { contribution }) => partial + contribution, base);
    return `Values are log-odds. With the starting value of ${signed(base)} they add up to ${signed(sum)}, which is a probability of ${probability(chance)}.`;
  }
  function familyRow(family, features, scale) {
    const line = [
      element("span", { class: "start" }, family.label),
      bar(family.contribution, scale),
      element("span", { class: "number" }, signed(family.contribution))
    ];
    if (!features.length) return element("li", {}, element("div", { class: "line" }, line));
    const id = uniqueId("features");
    const list = element(
      "ul",
      { class: "features", id, hidden: true },
      features.map((feature) => featureRow(feature, scale))
    );
    const button = element(
      "button",
      { type: "button", class: "line", "aria-expanded": "false", "aria-controls": id },
      line
    );
    on(button, "click", () => {
      list.hidden = !list.hidden;
      button.setAttribute("aria-expanded", String(!list.hidden));
    });
    return element("li", {}, button, list);
  }
  function featureRow(feature, scale) {
    const values = `${value(feature.value)}, human median ${value(feature.typical)}`;
    return element(
      "li",
      { class: "line" },
      element("span", { class: "start" }, feature.label, " ", element("small", {}, values)),
      bar(feature.contribution, scale),
      element("span", { class: "number" }, signed(feature.contribution))
    );
  }
  function bar(contribution, scale) {
    return withVariables(
      element("span", { class: `bar ${contribution > 0 ? "generated" : "human"}` }),
      { "--share": Math.abs(contribution) / scale }
    );
  }

  // perplexity_detector/web/js/plural.js
  function plural(number, noun) {
    return `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;
  }
  function asSentence(words) {
    const closed = /[.!?]$/.test(words) ? words : `${words}.`;
    return closed[0].toUpperCase() + closed.slice(1);
  }

  // perplexity_detector/web/js/flags.js
  var CAPTION = "What is odd in the text as it was given. It does not change the probability, and it can have innocent reasons: ask before you conclude.";
  var PLACES = 5;
  function drawFlags(flags = []) {
    if (!flags.length) return null;
    return element(
      "div",
      { class: "flags" },
      element("h3", {}, "Flags"),
      element(
        "ul",
        {},
        flags.map(
          (flag) => element("li", {}, asSentence(flag.sentence), " ", element("small", {}, places(flag)))
        )
      ),
      element("p", { class: "caption" }, CAPTION)
    );
  }
  function places({ count, positions }) {
    if (!positions.length) return "";
    const listed = positions.slice(0, PLACES).map(([start]) => whole(start + 1));
    const others = count - listed.length;
    const more = others > 0 ? ` and ${whole(others)} more` : "";
    return `At character ${listed.join(", ")}${more}.`;
  }

  // perplexity_detector/web/js/modes.js
  var MODES = {
    surprisal: {
      label: "Surprisal",
      caption: "How unexpected each token was to a small language model that had read the text before it. Human writing surprises it more often, and less evenly, than model-written text.",
      steps: [
        { below: 0.5, shade: 0, label: "0\u20130.5" },
        { below: 1.5, shade: 1, label: "0.5\u20131.5" },
        { below: 3, shade: 2, label: "1.5\u20133" },
        { below: 5, shade: 3, label: "3\u20135" },
        { below: 7, shade: 4, label: "5\u20137" },
        { below: 10, shade: 5, label: "7\u201310" },
        { below: Infinity, shade: 6, label: "10 nats or more" }
      ],
      ramp: "sequence",
      format: (nats) => `${decimal(nats)} nats, a chance of ${oneIn(Math.exp(-nats))}`
    },
    rank: {
      label: "Rank",
      caption: "The position of each token in the model's list of guesses, the most likely first. Model-written text stays near the top of the list.",
      steps: [
        { below: 2, shade: 0, label: "1st guess" },
        { below: 11, shade: 1, label: "2\u201310" },
        { below: 101, shade: 3, label: "11\u2013100" },
        { below: 1001, shade: 5, label: "101\u20131,000" },
        { below: Infinity, shade: 6, label: "beyond 1,000" }
      ],
      ramp: "sequence",
      format: (rank) => rank === 1 ? "1, the model's first guess" : whole(rank)
    },
    contrast: {
      label: "Contrast",
      caption: "How much more likely each token is in model-written text than in human text, judged by the texts the detector was trained on.",
      steps: [
        { below: -3, shade: 0, label: "human, by 3 nats or more" },
        { below: -1.5, shade: 1, label: "1.5\u20133" },
        { below: -0.5, shade: 2, label: "0.5\u20131.5" },
        { below: 0.5, shade: 3, label: "neither" },
        { below: 1.5, shade: 4, label: "0.5\u20131.5" },
        { below: 3, shade: 5, label: "1.5\u20133" },
        { below: Infinity, shade: 6, label: "model, by 3 nats or more" }
      ],
      ramp: "sides",
      format: (nats) => `${signed(nats)} nats, ${side(nats)}`
    }
  };
  function shadeOf(mode, number) {
    if (number === null) return null;
    const step = mode.steps.find(({ below }) => number < below);
    return `${mode.ramp}-${step.shade}`;
  }
  function modesOf({ tokens }) {
    return Object.keys(MODES).filter((name) => tokens[name]);
  }
  function side(nats) {
    if (Math.abs(nats) < 0.5) return "neither side";
    return nats > 0 ? "towards model" : "towards human";
  }

  // perplexity_detector/web/js/passages.js
  var MAX_RATE = 0.01;
  var CAPTION2 = "They are underlined in the text. Ask how they were written before you conclude.";
  function markedSentences({ sentences, passages = [] }) {
    return sentences.map(
      (sentence) => passages.some(([start, end]) => start <= sentence.start && sentence.start < end)
    );
  }
  function drawPassages(explanation2) {
    const { passages = [], share_generated: share, sentences, words, fpr } = explanation2;
    if (!passages.length) return null;
    const marked = markedSentences(explanation2);
    const count = sentences.reduce((sum, one, index) => sum + (marked[index] ? one.words : 0), 0);
    const rate = oneIn(Math.min(fpr, MAX_RATE));
    const said = `${plural(passages.length, "passage")} of ${plural(count, "word")}, of ${plural(words, "word")} in all, ${passages.length === 1 ? "reads" : "read"} as generated; about ${rate} texts by people have any. A model wrote ${percent2(share.low)} to ${percent2(share.high)} of the sentences (90 % interval).`;
    return element(
      "div",
      { class: "passages" },
      element("h3", {}, "Marked passages"),
      element("p", {}, said),
      element("p", { class: "caption" }, CAPTION2)
    );
  }
  function percent2(share) {
    return `${Math.round(share * 100)} %`;
  }

  // perplexity_detector/web/js/tokens.js
  function unitOffsets(text) {
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
  function mergeTokens({ tokens }) {
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
    const at = (column) => column ? column[index] : null;
    return {
      surprisal: at(tokens.surprisal),
      rank: at(tokens.rank),
      entropy: at(tokens.entropy),
      contrast: at(tokens.contrast)
    };
  }
  function addToken(piece, numbers) {
    piece.tokens += 1;
    piece.rank = Math.max(piece.rank, numbers.rank);
    for (const name of ["surprisal", "contrast"]) {
      if (piece[name] !== null) piece[name] += numbers[name];
    }
  }

  // perplexity_detector/web/js/prose.js
  function layoutText(explanation2, pieces) {
    const { text, sentences } = explanation2;
    const offsets = unitOffsets(text);
    const slice = (start, end) => text.slice(offsets[start], offsets[end]);
    const root = document.createDocumentFragment();
    const spans = markedSentences(explanation2).map(
      (marked, index) => element("span", { "data-sentence": index, "data-marked": marked ? "" : null })
    );
    let next = 0;
    const parentAt = (point) => {
      while (next < sentences.length && sentences[next].end <= point) next += 1;
      if (next === sentences.length || point < sentences[next].start) return root;
      if (!spans[next].parentNode) root.append(spans[next]);
      return spans[next];
    };
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
  function leadingSpaces(text) {
    const count = text.length - text.trimStart().length;
    return count < text.length ? count : 0;
  }

  // perplexity_detector/web/js/tooltip.js
  var GAP = 8;
  function rowsOf(piece, modes) {
    const rows = modes.map((name) => [MODES[name].label, MODES[name].format(piece[name])]);
    if (piece.entropy !== null) rows.push(["Entropy", `${decimal(piece.entropy)} nats`]);
    return rows;
  }
  function addTooltips(explanation2, text, prose, pieces, pickAt) {
    const modes = modesOf(explanation2);
    const tooltip = element("div", { class: "tooltip", hidden: true, "aria-hidden": "true" });
    const announcement = element("div", { class: "visually-hidden", "aria-live": "polite" });
    let shown = null;
    let cursor = 0;
    const nameOf = (index) => {
      const { start, end, tokens } = pieces[index];
      const words = prose.slice(start, end).trim() || "line break";
      return tokens > 1 ? `${words} (${tokens} tokens)` : words;
    };
    const hide = () => {
      if (shown !== null) prose.nodes[shown].removeAttribute("data-shown");
      shown = null;
      tooltip.hidden = true;
    };
    const show = (index) => {
      hide();
      shown = index;
      prose.nodes[index].setAttribute("data-shown", "");
      const rows = rowsOf(pieces[index], modes).map(([label, value2]) => [
        element("dt", {}, label),
        element("dd", {}, value2)
      ]);
      tooltip.replaceChildren(
        element("p", { dir: "auto" }, nameOf(index)),
        element("dl", {}, ...rows)
      );
      tooltip.hidden = false;
      moveTo(tooltip, prose.nodes[index]);
    };
    const moveCursor = (index) => {
      cursor = index;
      prose.nodes[index].scrollIntoView({ block: "nearest" });
      show(index);
      const numbers = rowsOf(pieces[index], modes).map(([label, value2]) => `${label} ${value2}`);
      announcement.textContent = `${nameOf(index)}: ${numbers.join("; ")}.`;
    };
    on(text, "pointerover", (event) => {
      const index = event.target.dataset?.piece;
      if (index !== void 0) show(Number(index));
      else hide();
    });
    on(text, "pointerleave", hide);
    on(text, "focus", () => {
      if (text.matches(":focus-visible")) moveCursor(cursor);
    });
    on(text, "blur", hide);
    on(text, "keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Enter") pickAt(cursor);
      else if (event.key === "Escape") pickAt(null);
      else {
        const target = keyTarget(event.key, cursor, text, prose.nodes);
        if (target === null) return;
        moveCursor(target);
      }
      event.preventDefault();
    });
    return [tooltip, announcement];
  }
  function keyTarget(key, cursor, text, nodes) {
    const forward = getComputedStyle(text).direction === "rtl" ? -1 : 1;
    const last = nodes.length - 1;
    const clamp = (index) => Math.max(0, Math.min(last, index));
    const targets = {
      ArrowRight: () => clamp(cursor + forward),
      ArrowLeft: () => clamp(cursor - forward),
      ArrowDown: () => adjacentSentence(cursor, 1, nodes),
      ArrowUp: () => adjacentSentence(cursor, -1, nodes),
      Home: () => 0,
      End: () => last
    };
    return key in targets ? targets[key]() : null;
  }
  function adjacentSentence(cursor, step, nodes) {
    const sentenceOf = (index2) => nodes[index2].parentNode;
    let index = cursor;
    while (nodes[index + step] && sentenceOf(index + step) === sentenceOf(cursor)) index += step;
    index = nodes[index + step] ? index + step : index;
    while (index > 0 && sentenceOf(index - 1) === sentenceOf(index)) index -= 1;
    return step > 0 && sentenceOf(index) === sentenceOf(cursor) ? nodes.length - 1 : index;
  }
  function moveTo(tooltip, node) {
    const parent = tooltip.offsetParent.getBoundingClientRect();
    const anchor = node.getClientRects()[0] ?? parent;
    const room = parent.width - tooltip.offsetWidth;
    const above = anchor.top - tooltip.offsetHeight - GAP;
    withVariables(tooltip, {
      "--x": `${Math.max(0, Math.min(room, anchor.left - parent.left))}px`,
      "--y": `${(above > 0 ? above : anchor.bottom + GAP) - parent.top}px`
    });
  }

  // perplexity_detector/web/js/heatmap.js
  var KEYS = "Use the arrow keys to move by token or by sentence, Enter to select a sentence, Escape to clear the selection.";
  function drawHeatmap(explanation2, onPick) {
    const pieces = mergeTokens(explanation2);
    const prose = layoutText(explanation2, pieces);
    const text = element("div", { class: "prose", dir: "auto" }, prose.root);
    on(text, "click", (event) => {
      onPick(sentenceIndex(event.target.closest("[data-sentence]")));
    });
    const node = element("div", { class: "heatmap" });
    if (pieces.length) {
      const pickAt = (index) => onPick(index === null ? null : sentenceIndex(prose.nodes[index].closest("[data-sentence]")));
      const hint = element("p", { class: "hint keys", id: uniqueId("keys") }, KEYS);
      const tooltips = addTooltips(explanation2, text, prose, pieces, pickAt);
      makeFocusable(text, hint);
      node.append(...drawModes(modesOf(explanation2), pieces, prose.nodes), text, hint, ...tooltips);
    } else {
      node.append(element("p", { class: "hint" }, "There are no tokens to colour."), text);
    }
    return { node, pick: (sentence) => highlight(text, prose.sentences, sentence) };
  }
  function drawModes(names, pieces, nodes) {
    const caption3 = element("p", { class: "caption" });
    const legend = element("ul", { class: "legend" });
    const show = (name) => {
      const mode = MODES[name];
      nodes.forEach((node, index) => {
        node.className = shadeOf(mode, pieces[index][name]) ?? "";
      });
      caption3.textContent = mode.caption;
      legend.replaceChildren(...mode.steps.map((step) => swatch(mode, step)));
      legend.setAttribute("aria-label", `Shades of ${mode.label.toLowerCase()}`);
    };
    if (names.length) show(names[0]);
    return [modeChoice(names, show), caption3, legend];
  }
  function modeChoice(names, show) {
    const group = uniqueId("mode");
    const choices = names.map((name, index) => {
      const radio = element("input", { type: "radio", name: group, value: name });
      radio.defaultChecked = index === 0;
      on(radio, "change", () => show(name));
      return element("label", {}, radio, element("span", {}, MODES[name].label));
    });
    const title = element("legend", { class: "visually-hidden" }, "Colour the text by");
    return element("fieldset", { class: "modes" }, title, choices);
  }
  function swatch(mode, step) {
    const sample = element("span", { class: `${mode.ramp}-${step.shade}`, "aria-hidden": "true" }, "ab");
    return element("li", {}, sample, step.label);
  }
  function makeFocusable(text, hint) {
    const attributes = {
      tabindex: "0",
      role: "application",
      "aria-roledescription": "heat-map",
      "aria-label": "The text, token by token",
      "aria-describedby": hint.id
    };
    for (const [name, value2] of Object.entries(attributes)) text.setAttribute(name, value2);
  }
  function highlight(text, sentences, sentence) {
    text.querySelector("[data-highlighted]")?.removeAttribute("data-highlighted");
    text.toggleAttribute("data-picked", sentence !== null);
    if (sentence === null) return;
    sentences[sentence].setAttribute("data-highlighted", "");
    sentences[sentence].scrollIntoView({ block: "nearest" });
  }
  function sentenceIndex(node) {
    return node ? Number(node.dataset.sentence) : null;
  }

  // perplexity_detector/web/js/scale.js
  var HEADLINES = {
    generated: "Likely written by a language model",
    human: "Likely written by a person",
    uncertain: "Uncertain: no verdict",
    mixed: "Mixed: parts read as model-written"
  };
  function headline(explanation2) {
    return HEADLINES[explanation2.verdict];
  }
  function verdictReason({ verdict, note, fpr, thresholds, probability: chance }) {
    const first = `The probability that a language model wrote this text is ${probability(chance)}.`;
    if (verdict === "generated") {
      return `${first} For texts like this the verdict is \u201Cgenerated\u201D from ${threshold(thresholds.generated)} up; about ${oneIn(fpr)} human texts also score that high.`;
    }
    if (verdict === "human") {
      return `${first} Few model-written texts score below ${threshold(thresholds.human)}.`;
    }
    if (verdict === "mixed") {
      return `${first} The text as a whole gets no verdict, but parts of it read as generated.`;
    }
    return `${first} No verdict was given: ${note || "too little evidence"}.`;
  }
  function drawScale(explanation2) {
    const zones = zonesOf(explanation2.thresholds);
    const at = explanation2.probability;
    const track = element(
      "div",
      { class: "track" },
      zones.map(
        ({ name, from, to }) => withVariables(element("div", { class: `zone ${name}` }), {
          "--from": from,
          "--to": to
        })
      ),
      place("needle", at, "")
    );
    return element(
      "div",
      { class: "scale", role: "img", "aria-label": description(explanation2, zones) },
      element("div", { class: "reading" }, place(`value ${valueAlignment(at)}`, at, probability(at))),
      track,
      element(
        "div",
        { class: "ticks" },
        zones.slice(0, -1).map(({ name, to }) => place(`tick ${tickAlignment(name, to)}`, to, threshold(to)))
      ),
      element(
        "div",
        { class: "ends" },
        element("span", {}, "human"),
        zones.some(({ name }) => name === "uncertain") ? element("span", {}, "uncertain") : null,
        element("span", {}, "generated")
      ),
      impossibleVerdicts(explanation2.thresholds)
    );
  }
  function zonesOf({ human, generated }) {
    const top = generated ?? 1;
    const bottom = Math.min(human ?? 0, top);
    return [
      { name: "human", from: 0, to: bottom },
      { name: "uncertain", from: bottom, to: top },
      { name: "generated", from: top, to: 1 }
    ].filter(({ name, from, to }) => to > from || name === "generated" && generated !== null);
  }
  function impossibleVerdicts({ human, generated }) {
    if (human !== null && generated !== null) return null;
    const text = human === null && generated === null ? "Neither verdict, \u201Chuman\u201D or \u201Cgenerated\u201D, is possible" : `The verdict \u201C${human === null ? "human" : "generated"}\u201D is not possible`;
    return element("p", { class: "hint" }, `${text} for this text.`);
  }
  function description(explanation2, zones) {
    const ranges = zones.map(
      ({ name, from, to }) => `${name} from ${threshold(from)} to ${threshold(to)}`
    );
    return `Probability ${probability(explanation2.probability)} on a scale from 0 to 1: ${ranges.join(", ")}.`;
  }
  function place(name, at, text) {
    return withVariables(element("div", { class: name }, text), { "--at": at });
  }
  function valueAlignment(at) {
    if (at < 0.06) return "at-start";
    return at > 0.94 ? "at-end" : "";
  }
  function tickAlignment(zone, at) {
    if (zone === "human") return at < 0.1 ? "at-start" : "at-end";
    return at > 0.9 ? "at-end" : "at-start";
  }

  // perplexity_detector/web/js/sentences.js
  var MIN_SCALE2 = 0.25;
  function drawSentences(explanation2, onPick) {
    const { sentences, sentence_score: score, text } = explanation2;
    const offsets = unitOffsets(text);
    const scores = sentences.map((sentence) => sentence.score - score.neutral);
    const scale = scores.reduce((most, one) => Math.max(most, Math.abs(one)), MIN_SCALE2);
    const marked = markedSentences(explanation2);
    const coloured = isColoured(explanation2);
    let picked = null;
    const buttons = sentences.map((sentence, index) => {
      const words = text.slice(offsets[sentence.start], offsets[sentence.end]);
      const look = { marked: marked[index], coloured, share: scores[index] / scale };
      const button = row(words, index, sentence, scores[index], look);
      return on(button, "click", () => onPick(index === picked ? null : index));
    });
    const list = element(
      "ol",
      { class: "rows" },
      buttons.map((button) => element("li", {}, button))
    );
    const pick = (sentence) => {
      if (picked !== null) buttons[picked].setAttribute("aria-pressed", "false");
      picked = sentence;
      if (sentence === null) return;
      buttons[sentence].setAttribute("aria-pressed", "true");
      scrollWithin(list, buttons[sentence]);
    };
    const node = element(
      "div",
      { class: "sentences" },
      element("p", { class: "caption" }, caption(score, sentences.some(hasHiddenStates), coloured)),
      element(
        "p",
        { class: "sides", "aria-hidden": "true" },
        element("span", {}, "human"),
        element("span", {}, "model")
      ),
      list
    );
    return { node, pick };
  }
  function isColoured({ verdict, passages = [] }) {
    return verdict === "generated" || passages.length > 0;
  }
  function row(words, index, sentence, score, { marked, coloured, share }) {
    const side2 = score > 0 ? "generated" : "human";
    const details = [marked ? "in a marked passage" : null, ...detailsOf(sentence)].filter(Boolean);
    const numbers = [`score ${signed(score)}, towards ${side2}`, ...details].join(", ");
    const label = `Sentence ${index + 1}, ${numbers}: ${words}`;
    return element(
      "button",
      { type: "button", "aria-pressed": "false", "aria-label": label },
      element(
        "span",
        {},
        element("bdi", { class: "start" }, words.replace(/\s+/g, " ")),
        details.length ? element("small", {}, details.join(", ")) : null
      ),
      withVariables(element("span", { class: `bar ${side2}${coloured ? "" : " plain"}` }), {
        "--share": Math.abs(share)
      }),
      element("span", { class: "number" }, signed(score))
    );
  }
  function detailsOf(sentence) {
    return [
      sentence.perplexity === null ? null : `perplexity ${decimal(sentence.perplexity, 0)}`,
      hasHiddenStates(sentence) ? `hidden states ${signed(sentence.hidden_states, 1)}` : null
    ].filter(Boolean);
  }
  function hasHiddenStates(sentence) {
    return Number.isFinite(sentence.hidden_states);
  }
  function caption({ name, unit, auroc }, hiddenStates, coloured) {
    const what = name.includes(unit) ? name : `${name}, in ${unit}`;
    const quality = auroc === null || auroc === void 0 ? "" : ` A hint where to look, not proof: it finds model-written sentences in human essays with an AUROC of ${decimal(auroc)} (0.5 is guessing, 1 perfect).`;
    const states = hiddenStates ? " Hidden states, in log-odds: above 0 they resemble model-written text, below 0 human text." : "";
    const plain = coloured ? "" : " No passage is marked, so no sentence has a colour.";
    return `Score of each sentence: ${what}.${quality}${states}${plain}`;
  }
  function scrollWithin(list, button) {
    const { offsetTop, offsetHeight } = button;
    if (offsetTop < list.scrollTop || offsetTop + offsetHeight > list.scrollTop + list.clientHeight) {
      list.scrollTop = offsetTop - list.clientHeight / 2;
    }
  }

  // perplexity_detector/web/js/surprisal-chart.js
  var DEFAULT_WINDOW = 16;
  var MAX_POINTS = 600;
  var SIZE = 1e3;
  function drawSurprisalChart(explanation2) {
    const range = explanation2.people?.surprisal ?? null;
    const window = range?.window ?? DEFAULT_WINDOW;
    const means = movingMeans(explanation2.tokens.surprisal ?? [], window);
    if (means.length < 2) {
      const words = `This text is too short for a chart, which needs more than ${window} tokens.`;
      return element("p", { class: "hint" }, words);
    }
    const points = downsample(means);
    const top = Math.ceil(Math.max(range?.high ?? 0, ...points.map(({ mean }) => mean)) + 0.25);
    const line = { points, length: means.length, range, window, top };
    const plot = element("div", { class: "plot" }, drawLine(line));
    addCursor(plot, explanation2, line);
    return element(
      "div",
      { class: "surprisal-chart" },
      element("p", { class: "caption" }, caption2(means, range, window)),
      element("div", { class: "axes" }, levels(top), plot, medianLabel(range, top)),
      element(
        "div",
        { class: "ends" },
        element("span", {}, "start"),
        element("span", {}, `${whole(explanation2.token_count)} tokens`)
      )
    );
  }
  function movingMeans(values, window) {
    const means = [];
    let sum = 0;
    values.forEach((value2, index) => {
      sum += value2;
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
  function caption2(means, range, window) {
    const lowest = means.reduce((least, mean) => Math.min(least, mean));
    const highest = means.reduce((most, mean) => Math.max(most, mean));
    const extent = `Averaged over ${window} tokens, surprisal ranges from ${decimal(lowest, 1)} to ${decimal(highest, 1)} nats.`;
    if (!range) return `${extent} The range of human texts is not known for this detector.`;
    const percent3 = (test) => Math.round(100 * means.filter(test).length / means.length);
    const below = percent3((mean) => mean < range.low);
    const above = percent3((mean) => mean > range.high);
    return `${extent} The band holds 80\xA0% of such averages in human essays; ${below}\xA0% of this text lies below it, ${above}\xA0% above.`;
  }
  function drawLine({ points, length, range, top }) {
    const x = (index) => (SIZE * index / (length - 1)).toFixed(1);
    const y = (nats) => (SIZE * (1 - nats / top)).toFixed(1);
    const horizontal = (nats, name) => svg("line", { class: name, x1: 0, x2: SIZE, y1: y(nats), y2: y(nats) });
    return svg(
      "svg",
      { viewBox: `0 0 ${SIZE} ${SIZE}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      range ? [
        svg("rect", {
          class: "band",
          x: 0,
          width: SIZE,
          y: y(range.high),
          height: y(top - range.high + range.low)
        }),
        horizontal(range.median, "median")
      ] : [],
      svg("polyline", {
        class: "line",
        points: points.map(({ index, mean }) => `${x(index)},${y(mean)}`).join(" ")
      })
    );
  }
  function levels(top) {
    const marks = [0, top / 2, top].map(
      (nats) => withVariables(element("span", {}, decimal(nats, Number.isInteger(nats) ? 0 : 1)), {
        "--at": nats / top
      })
    );
    return element("div", { class: "levels", "aria-hidden": "true" }, marks);
  }
  function medianLabel(range, top) {
    if (!range) return null;
    const label = withVariables(element("span", {}, "human median"), { "--at": range.median / top });
    return element("div", { class: "labels", "aria-hidden": "true" }, label);
  }
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
        element("bdi", {}, words.replace(/\s+/g, " "))
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
      "aria-valuenow": "1"
    };
    for (const [name, value2] of Object.entries(attributes)) plot.setAttribute(name, value2);
    on(plot, "pointermove", (event) => {
      const box = plot.getBoundingClientRect();
      show(Math.round((event.clientX - box.left) / box.width * (points.length - 1)));
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
        End: points.length - 1
      }[event.key];
      if (target === void 0) return;
      event.preventDefault();
      show(target);
    });
  }
  function comparison(mean, range) {
    if (!range) return "";
    if (mean < range.low) return ", below the human range";
    return mean > range.high ? ", above the human range" : ", within the human range";
  }

  // perplexity_detector/web/js/explanation.js
  var NO_REASONS = "No feature clearly favours either side.";
  function drawExplanation(root, explanation2) {
    root.replaceChildren(
      drawVerdict(explanation2),
      drawText(explanation2),
      section("evidence", "Evidence", drawContributions(explanation2)),
      section("along", "Surprisal along the text", drawSurprisalChart(explanation2))
    );
  }
  function drawVerdict(explanation2) {
    const { verdict, warnings, reasons, limits, flags } = explanation2;
    const why = reasons.length ? element("ul", {}, items(reasons.map(asSentence))) : NO_REASONS;
    return element(
      "section",
      { class: `verdict ${verdict}`, "aria-label": "Verdict" },
      element("h2", { class: "headline" }, headline(explanation2)),
      element("p", { class: "verdict-reason" }, verdictReason(explanation2)),
      drawScale(explanation2),
      element(
        "div",
        { class: "columns" },
        block("reasons", "Main reasons", why),
        block("limits", "Limits", element("p", {}, limits.join(" ")))
      ),
      drawPassages(explanation2),
      drawFlags(flags),
      warnings.length ? element("ul", { class: "warnings", "aria-label": "Warnings" }, items(warnings)) : null,
      element("p", { class: "facts" }, facts(explanation2).join(" \xB7 "))
    );
  }
  function drawText(explanation2) {
    const pick = (sentence) => {
      heatmap.pick(sentence);
      sentences.pick(sentence);
    };
    const heatmap = drawHeatmap(explanation2, pick);
    const sentences = drawSentences(explanation2, pick);
    return section(
      "text",
      "Text",
      element(
        "div",
        { class: "text-and-sentences" },
        heatmap.node,
        explanation2.sentences.length ? block("sentence-panel", "Sentences", sentences.node) : null
      )
    );
  }
  function facts({ id, detector, words, token_count: tokens, fpr }) {
    return [
      id ? `Text ${id}` : null,
      plural(words, "word"),
      plural(tokens, "token"),
      detector ? `detector ${detector}` : null,
      `false-positive rate ${fpr}`
    ].filter(Boolean);
  }
  function block(name, title, body) {
    return element("div", { class: name }, element("h3", {}, title), body);
  }
  function items(sentences) {
    return sentences.map((sentence) => element("li", {}, sentence));
  }

  // perplexity_detector/web/js/guide.js
  var GUIDE_TITLE = "What the numbers mean";
  var ENTRIES = [
    [
      "Probability",
      "How likely it is that a language model wrote the text, if both answers were equally likely beforehand. It was calibrated on texts of known origin. It can be wrong about other kinds of text: letters, poems, translations, essays by learners, drafts polished by a tool."
    ],
    [
      "Verdict",
      "\u201CGenerated\u201D is given only above a threshold that few human texts reach, by default 1 in 100. Among 500 honest essays, about five are still flagged by mistake. \u201CUncertain\u201D is a valid answer: the text gives too little evidence."
    ],
    [
      "Marked passages",
      "Sentences in a row that together read more like a model\u2019s than any in most texts by people. They are marked in at most 1 in 100 texts by people. \u201CMixed\u201D means that passages are marked and the text as a whole is not called generated. Most inserted passages are not found."
    ],
    [
      "What to do with it",
      "A score is not proof, and a false accusation harms a student. Never decide on it alone. Ask how the text was written, look at drafts and earlier work, and listen to the writer."
    ],
    [
      "Surprisal",
      "How unexpected a token (a word or part of a word) was to a small language model, in nats: 0 is certain, 2.3 is one chance in ten, 4.6 one in a hundred. Perplexity is the same thing averaged over a text: the lower, the more predictable."
    ],
    ["Rank", "The token's position in the model's list of guesses; 1 is its first guess."],
    [
      "Entropy",
      "How uncertain the model was about the next token, in nats: 0 if it was sure, higher if many tokens were possible."
    ],
    [
      "Contrast",
      "How much more likely the token is in model-written text than in human text. Positive values point to a model, negative ones to a person."
    ],
    [
      "Hidden states",
      "The numbers a language model computes inside while it reads a text. They differ between human and model-written texts. A small network turns them into log-odds: above 0 they resemble model-written text, below 0 human text. These are surer than they should be, so compare sentences with one another."
    ]
  ];
  function drawGuide() {
    return element(
      "dl",
      { class: "guide" },
      ENTRIES.map(
        ([term, text]) => element("div", {}, element("dt", {}, term), element("dd", {}, text))
      )
    );
  }

  // perplexity_detector/web/js/report.js
  var explanation = JSON.parse(document.getElementById("explanation").textContent);
  document.getElementById("cover").replaceWith(drawCover(explanation));
  drawExplanation(document.getElementById("drawing"), explanation);
  document.getElementById("guide").replaceWith(section("about", GUIDE_TITLE, drawGuide()));
})();
