(() => {
  // perplexity_detector/web/js/dom.js
  function element(name, attributes = {}, ...children) {
    return fill(document.createElement(name), attributes, children);
  }
  function withVariables(node, variables) {
    for (const [name, value] of Object.entries(variables)) node.style.setProperty(name, value);
    return node;
  }
  function on(node, type, listener) {
    node.addEventListener(type, listener);
    return node;
  }
  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === void 0 || value === false) continue;
      node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== void 0));
    return node;
  }

  // perplexity_detector/web/js/numbers.js
  function probability(value) {
    if (value > 0.999) return "> 0.999";
    if (value < 1e-3) return "< 0.001";
    return value.toFixed(value > 0.99 || value < 0.01 ? 3 : 2);
  }
  function whole(number) {
    return number.toLocaleString("en");
  }

  // perplexity_detector/web/js/plural.js
  function plural(number, noun) {
    return `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;
  }

  // perplexity_detector/web/js/histogram.js
  var BINS = 20;
  function drawHistogram(probabilities) {
    const counts = new Array(BINS).fill(0);
    for (const one of probabilities) counts[Math.min(BINS - 1, Math.floor(one * BINS))] += 1;
    const highest = counts.reduce((most, count) => Math.max(most, count), 1);
    const bars = counts.map(
      (count) => withVariables(element("div", {}, count === highest ? element("span", {}, String(count)) : null), {
        "--share": 0.88 * count / highest
      })
    );
    const label = counts.map((count, bin) => [count, bin]).filter(([count]) => count > 0).map(([count, bin]) => `${plural(count, "text")} from ${bin / BINS} to ${(bin + 1) / BINS}`);
    return [
      element("p", { class: "caption" }, "Number of texts by probability of being generated."),
      element(
        "div",
        { class: "histogram", role: "img", "aria-label": `Probabilities: ${label.join("; ")}.` },
        bars
      ),
      element(
        "div",
        { class: "ends histogram-ends", "aria-hidden": "true" },
        ["0", "0.5", "1"].map((end) => element("span", {}, end))
      )
    ];
  }

  // perplexity_detector/web/js/summary.js
  function summary(rows2) {
    const count = (verdict) => rows2.filter((row) => row.verdict === verdict).length;
    const problems = rows2.filter((row) => row.problem).length;
    const counts = `${plural(rows2.length, "text")}: ${whole(count("generated"))} generated, ${whole(count("human"))} human, ${whole(count("uncertain"))} uncertain` + (count("mixed") ? `, ${whole(count("mixed"))} mixed` : "");
    return problems ? `${counts}, of which ${whole(problems)} could not be read.` : `${counts}.`;
  }

  // perplexity_detector/web/js/table.js
  var PAGE_ROWS = 200;
  var COLUMNS = [
    { name: "id", label: "Id", numeric: false },
    { name: "generated", label: "Probability", numeric: true },
    { name: "verdict", label: "Verdict", numeric: false },
    { name: "words", label: "Words", numeric: true },
    { name: "why", label: "Reasons", numeric: false }
  ];
  var VERDICTS = ["all verdicts", "generated", "mixed", "uncertain", "human"];
  function drawTable(rows2) {
    const body = element("tbody");
    const count = element("span", { class: "hint" });
    const more = element("button", { type: "button" }, "Show more");
    const headers = COLUMNS.map((column) => {
      const button = element("button", { type: "button" }, column.label);
      on(button, "click", () => sortBy(column));
      return element("th", { scope: "col", class: column.numeric ? "number" : null }, button);
    });
    const search = element("input", { type: "search", "aria-label": "Show ids that contain" });
    search.placeholder = "Find an id";
    const options = VERDICTS.map((one, index) => element("option", { value: index ? one : "" }, one));
    const verdict = element("select", { "aria-label": "Show verdicts" }, options);
    let sorted = rows2;
    let chosen = rows2;
    let by = null;
    let ascending = true;
    const showMore = () => {
      const from = body.rows.length;
      body.append(...chosen.slice(from, from + PAGE_ROWS).map(drawRow));
      count.textContent = `${whole(body.rows.length)} of ${whole(rows2.length)} shown`;
      more.hidden = body.rows.length === chosen.length;
    };
    const filter = () => {
      const part = search.value.trim().toLowerCase();
      chosen = sorted.filter(
        (row) => row.id.toLowerCase().includes(part) && (!verdict.value || row.verdict === verdict.value)
      );
      body.replaceChildren();
      showMore();
    };
    const sortBy = (column) => {
      ascending = by === column ? !ascending : !column.numeric;
      by = column;
      sorted = sortRows(rows2, column, ascending);
      headers.forEach((header, index) => {
        if (COLUMNS[index] === column) {
          header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        } else {
          header.removeAttribute("aria-sort");
        }
      });
      filter();
    };
    on(more, "click", showMore);
    on(search, "input", filter);
    on(verdict, "change", filter);
    sortBy(COLUMNS[1]);
    const caption = element("caption", {}, "Select a column heading to sort by it.");
    const table = element("table", {}, caption, element("thead", {}, element("tr", {}, headers)), body);
    return [
      element("div", { class: "table-filter" }, search, verdict),
      element("div", { class: "table", role: "group", tabindex: "0", "aria-label": "Table" }, table),
      element("div", { class: "table-foot" }, more, count)
    ];
  }
  function drawRow(row) {
    const flags = row.flags && `Flags: ${row.flags}`;
    const passages = Number(row.passages) ? `${plural(Number(row.passages), "passage")} marked` : "";
    const reasons = row.problem || [row.note, passages, row.why, flags, leftOut(row)].filter(Boolean).join(". ");
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, row.report ? element("a", { href: row.report }, row.id) : row.id),
      element("td", { class: "number" }, probability(Number(row.generated))),
      element("td", { class: `verdict ${row.verdict}` }, row.verdict),
      element("td", { class: "number" }, row.words),
      element("td", {}, reasons ? capitalised(reasons) : "")
    );
  }
  function leftOut(row) {
    return row.left_out ? `Left out: ${row.left_out}` : "";
  }
  function capitalised(words) {
    return words[0].toUpperCase() + words.slice(1);
  }
  function sortRows(rows2, { name, numeric }, ascending) {
    const collator = new Intl.Collator("en", { numeric: true });
    const compare = numeric ? (a, b) => Number(a[name]) - Number(b[name]) : (a, b) => collator.compare(a[name], b[name]);
    return [...rows2].sort((a, b) => ascending ? compare(a, b) : compare(b, a));
  }

  // perplexity_detector/web/js/reports.js
  var { rows } = JSON.parse(document.getElementById("rows").textContent);
  document.getElementById("reports").append(
    element("p", {}, summary(rows)),
    ...[drawHistogram(rows.map((row) => Number(row.generated)))].flat(),
    ...drawTable(rows)
  );
})();
