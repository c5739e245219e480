// Cells that are ticked, beside each other.

const cellName = (i) => `${i + 1}`;

const distinct = (values) => values.every(Boolean) && new Set(values).size === values.length;

// shortName tells a cell from the others that are ticked: by items or rung if that is
// enough, else by all properties in which they differ.
function shortName(i, names) {
  const enough = ["items", "rung", ...names].find((name) => names.includes(name) && distinct(state.tick.map((k) => propertyOf(doc.cells[k], name))));
  const parts = (enough ? [enough] : names).map((name) => propertyOf(doc.cells[i], name)).filter(Boolean);
  return `${i + 1}: ${parts.join(", ") || doc.cells[i].id}`;
}

// differing are the properties in which cells differ.
function differing(indexes) {
  const names = new Set(indexes.flatMap((i) => Object.keys(doc.cells[i].properties ?? {})));
  return [...names].filter((name) => new Set(indexes.map((i) => propertyOf(doc.cells[i], name))).size > 1);
}

// ratioBetween is the fact of a level's ratio that the plan asked for, if it did.
function ratioBetween(key, num, den) {
  return doc.facts.find((f) => isRatio(f) && keyOf(f) === key && f.cells?.length === 2 && f.cells[0] === num && f.cells[1] === den);
}

function drawCompare() {
  state.tick = state.tick.filter((i) => doc.cells[i]);
  const ticked = state.tick, tray = $("#tray");
  tray.hidden = ticked.length === 0;
  tray.replaceChildren(h("span", {}, ticked.length === 1 ? "1 cell ticked: tick another to compare" : `${ticked.length} cells ticked`),
    ticked.length > 1 && button("Compare", () => goTo("compare"), {class: "primary", "data-key": "compare"}), button("Clear", clearTicks, {"data-key": "clear-ticks"}));
  const box = $("#compare");
  if (ticked.length < 2) return box.replaceChildren();
  const differ = differing(ticked), names = differ.filter((n) => !["group", "ops", "rate"].includes(n) || differ.length === 1);
  box.replaceChildren(h("h3", {}, `Comparison of ${ticked.length} cells`),
    h("div", {class: "columns"}, optionsTable(ticked, differ), levelsTable(ticked)),
    h("div", {class: "charts"}, percentileChart(ticked, names), seriesChart(ticked, names), stagesChart(ticked, names)));
}

function clearTicks() {
  state.tick = [];
  writeState();
  $$("[data-tick]").forEach((box) => (box.checked = false));
  drawCompare();
  scatterLater();
}

const cellColumns = (ticked) => ticked.map((i) => ({key: String(i), title: cellName(i), hint: doc.cells[i].id}));

function optionsTable(ticked, differ) {
  return tableView("options", {title: "Options that differ", columns: [{key: "option", title: "option", text: true}, ...cellColumns(ticked).map((c) => ({...c, text: true}))],
    rows: ["", ...differ].map((name) => ({key: name, cells: name === ""
      ? [{text: "cell", sort: ""}, ...ticked.map((i) => ({text: doc.cells[i].id, node: () => button(doc.cells[i].id, () => openCell(i), {class: "link id"})}))]
      : [{text: name}, ...ticked.map((i) => ({text: propertyOf(doc.cells[i], name)}))]}))});
}

// levelsTable has every level of the cells. Beside the first cell's stands the ratio to
// it: the plan's, if it asked for it; else the quotient, which nobody judged.
function levelsTable(ticked) {
  const keys = [...new Set(ticked.flatMap((i) => Object.keys(doc.cells[i].levels ?? {})))].filter((key) => ticked.some((i) => doc.cells[i].levels?.[key]));
  const level = (i, key) => (doc.cells[i].levels?.[key] ? {fact: doc.cells[i].levels[key]} : {text: "n/a"});
  const [first, ...others] = ticked;
  const ratio = (i, key) => {
    const asked = ratioBetween(key, i, first), [a, b] = [i, first].map((c) => factOf(doc.cells[c].levels?.[key])?.value);
    if (asked) return {fact: asked.id};
    if (a === undefined || !b) return {text: "n/a"};
    return {text: number(a / b), sort: a / b, node: () => h("span", {class: "quotient", title: "quotient of the two levels: the plan did not ask for it, so nobody judged it"}, "≈ ", number(a / b))};
  };
  return tableView("compared", {title: "Levels", caption: `Ratios to cell ${cellName(first)}. With ≈: the quotient of the levels; the plan did not ask for it, and it has no verdict.`,
    columns: [{key: "metric", title: "metric", text: true}, ...cellColumns(ticked), ...others.map((i) => ({key: "ratio" + i, title: `${cellName(i)} / ${cellName(first)}`}))],
    rows: inOrder(keys).map((key) => ({key, cells: [{text: titleOf(key)}, ...ticked.map((i) => level(i, key)), ...others.map((i) => ratio(i, key))]}))});
}

// percentileChart overlays the percentile curves of cells, of each operation type.
function percentileChart(indexes, names = []) {
  const ops = [...new Set(indexes.flatMap((i) => Object.keys(doc.cells[i].percentiles ?? {})))];
  const series = indexes.flatMap((i) => ops.filter((op) => doc.cells[i].percentiles?.[op]).map((op) => ({
    name: [indexes.length > 1 && shortName(i, names), ops.length > 1 && op].filter(Boolean).join(" · ") || op, points: doc.cells[i].percentiles[op].map(([x, y]) => ({x, y}))})));
  return series.length ? figureView({id: "percentiles", kind: "curve", title: "Service time by percentile", caption: "Of all blocks merged.", x: {label: "percentile"}, y: {label: "service time (ms)", log: true}, series}) : "";
}

function seriesChart(indexes, names) {
  const series = indexes.filter((i) => doc.cells[i].series?.length).map((i) => ({name: shortName(i, names), points: doc.cells[i].series.map((y, k) => ({x: ((k + 0.5) * doc.cells[i].series_step_ms) / 1000, y}))}));
  return series.length ? figureView({id: "over-time", kind: "lines", title: "Throughput over time", caption: "Mean of the blocks, from the start of the measured window.", x: {label: "time (s)"}, y: {label: "operations per second"}, series}) : "";
}

function stagesChart(indexes, names) {
  const traced = indexes.filter((i) => doc.cells[i].stages?.length);
  const stages = [...new Set(traced.flatMap((i) => doc.cells[i].stages.map((stage) => stage.name)))];
  const mean = (i, name) => doc.cells[i].stages.find((stage) => stage.name === name)?.mean_us ?? 0;
  return traced.length ? figureView({id: "stages-compared", kind: "stack", title: "Stages of a write", caption: "Mean of the traced writes.", x: {label: "cell", categories: traced.map((i) => shortName(i, names))}, y: {label: "time (µs)"},
    series: stages.map((name) => ({name, points: traced.map((i, k) => ({x: k, y: mean(i, name)}))}))}) : "";
}
