// The explorer of cells: search, filters, columns, sorting, pages, ticks.

const ROWS = 100; // on a page: enough to scroll, few enough to draw at once
const BOUND = {name: "bounded by"};

const axesOf = () => [...doc.axes, ...(doc.cells.some((c) => c.bound) ? [{...BOUND, values: [...new Set(doc.cells.map((c) => c.bound ?? ""))].sort()}] : [])];

// levelsKnown are all levels of the document's cells: their keys, the metrics' names, and
// the operation types, the most frequent first.
let levelsKnown;
function knowLevels() {
  const counts = new Map();
  for (const c of doc.cells) for (const key of Object.keys(c.levels ?? {})) counts.set(key, (counts.get(key) ?? 0) + 1);
  const keys = new Set(counts.keys()), split = [...counts].map(([key, n]) => [...key.split(" "), n]);
  const ops = new Map();
  for (const [, op, n] of split) if (n) ops.set(op, Math.max(n, ops.get(op) ?? 0));
  const used = new Set(split.map(([name]) => name));
  levelsKnown = {keys, ops: [...ops].sort((a, b) => b[1] - a[1]).map(([op]) => op), names: doc.metrics.map((m) => m.name).filter((name) => used.has(name))};
}

const DEFAULT_METRICS = ["throughput", "p50", "p99", "store_cpu"];

// choice is what is shown of the levels.
function choice() {
  const {keys, ops, names} = levelsKnown;
  const metricsShown = (state.metrics ?? DEFAULT_METRICS).filter((m) => names.includes(m));
  const opsShown = state.ops ?? ops.slice(0, 1);
  const shown = metricsShown.flatMap((name) => (keys.has(name) ? [name] : opsShown.map((op) => `${name} ${op}`).filter((k) => keys.has(k))));
  return {ops, names, metricsShown, opsShown, shown};
}

// found are the cells that filters and search leave: their places in the document.
function found() {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  return range(doc.cells.length).filter((i) => {
    const cell = doc.cells[i];
    for (const [axis, values] of Object.entries(state.filters)) if (!values.includes(propertyOf(cell, axis))) return false;
    if (!words.length) return true;
    const text = `${cell.id} ${cell.group} ${cell.properties?.items ?? ""} ${cell.bound ?? ""}`.toLowerCase();
    return words.every((w) => text.includes(w));
  });
}

const orderOfValue = new Map();
function axisValue(axis, value) {
  if (!orderOfValue.has(axis.name)) orderOfValue.set(axis.name, new Map(axis.values.map((v, i) => [v, i])));
  return value === "" ? "" : orderOfValue.get(axis.name).get(value) ?? value;
}

// cellTable is the table of the cells that were found: all columns, and those that are
// the same everywhere.
function cellTable(indexes) {
  const axes = axesOf(), {shown} = choice();
  const columns = [{key: "#", title: "#"}, ...axes.map((a) => ({key: a.name, title: a.name.replaceAll("_", " "), text: true})), {key: "n", title: "n", hint: "valid trials"}, ...shown.map((key) => ({key, title: titleOf(key)}))];
  const rows = indexes.map((i) => {
    const cell = doc.cells[i];
    return {
      key: String(i), index: i, class: measured(cell) ? "" : "unmeasured",
      cells: [{text: String(i + 1), sort: i, node: () => button(String(i + 1), () => openCell(i), {class: "link", "aria-label": `Open cell ${i + 1}: ${cell.id}`, "data-key": "open" + i})},
        ...axes.map((a) => ({text: propertyOf(cell, a.name), sort: axisValue(a, propertyOf(cell, a.name))})),
        {text: cell.skip ? "skipped" : String(cell.blocks), sort: cell.blocks},
        ...shown.map((key) => (cell.levels?.[key] ? {fact: cell.levels[key]} : {text: "n/a", sort: ""}))],
    };
  });
  const equal = columns.map((c, k) => k > 0 && rows.length > 1 && rows.every((row) => textOf(row.cells[k]) === textOf(rows[0].cells[k])));
  return {columns, rows, equal};
}

// narrowed leaves out the columns that are the same everywhere, unless all are wanted.
function narrowed({columns, rows, equal}) {
  if (state.all) return {columns, rows, same: []};
  const keep = (list) => list.filter((_, k) => !equal[k]);
  const same = columns.filter((_, k) => equal[k]).map((c) => [c.title, textOf(rows[0].cells[columns.indexOf(c)])]).filter(([, v]) => v !== "" && v !== "n/a");
  return {columns: keep(columns), rows: rows.map((row) => ({...row, cells: keep(row.cells)})), same};
}

// setState changes the cells' state and draws what depends on it.
function setState(patch) {
  Object.assign(state, {page: 1, ...patch});
  writeState();
  drawCells();
}

// drawCells draws the explorer's tools and its table.
function drawCells() {
  keepFocus(() => {
    const table = narrowed(cellTable(found()));
    const place = (key) => table.columns.findIndex((c) => c.key === key);
    const rows = sorted(table.rows, state.sort, (row, key) => (place(key) < 0 ? "" : sortOf(row.cells[place(key)])));
    const pages = Math.max(1, Math.ceil(rows.length / ROWS)), page = Math.min(state.page, pages);
    const visible = rows.slice((page - 1) * ROWS, page * ROWS).map((row) => ({...row, lead: () => tickBox(row.index)}));
    $("#cells-tools").replaceChildren(...tools());
    $("#cells-table").replaceChildren(
      h("div", {class: "table-head"}, h("p", {class: "quiet", id: "cells-count"}, `${rows.length.toLocaleString("en-US")} of ${doc.cells.length.toLocaleString("en-US")} cells`),
        copyTools(() => ({columns: table.columns, rows}))),
      table.same.length ? h("p", {class: "same"}, "The same in all: ", table.same.map(([name, v]) => h("span", {}, name, " ", h("b", {}, v)))) : "",
      rows.length ? grid({columns: table.columns, rows: visible, sort: state.sort, onsort: (key) => setState({sort: nextSort(state.sort, key)}), label: "Table of cells", caption: "Cells of the run",
        lead: h("th", {scope: "col", class: "lead"}, hiddenText("compare"))}) : h("p", {class: "note"}, "No cell is left. ", button("Clear filters", clearFilters, {class: "small"})),
      pages > 1 ? pager(page, pages, rows.length) : "");
  });
  scatterLater();
}

const scatterLater = later(() => drawScatter(), 30);

function pager(page, pages, total) {
  const to = (p, text, key) => button(text, () => setState({page: p}), {"aria-disabled": p < 1 || p > pages ? "true" : null, "data-key": key});
  return h("nav", {class: "pager", "aria-label": "Pages of cells"}, to(Math.max(1, page - 1), "← Previous", "previous"),
    h("span", {}, `rows ${(page - 1) * ROWS + 1} to ${Math.min(total, page * ROWS)} of ${total.toLocaleString("en-US")}`), to(Math.min(pages, page + 1), "Next →", "next"));
}

const clearFilters = () => setState({filters: {}, q: ""});

// tools are the search, the filters and the choice of columns.
function tools() {
  const {ops, names, metricsShown, opsShown} = choice();
  const search = h("input", {type: "search", id: "search", placeholder: "Search cells  /", "aria-label": "Search cells", oninput: (e) => setState({q: e.target.value})});
  search.value = state.q;
  const columns = [
    ops.length > 1 && checks("Operations", ops.map((op) => [op, op]), opsShown, (list) => setState({ops: list})),
    checks("Metrics", names.map((name) => [name, titleOf(name)]), metricsShown, (list) => setState({metrics: list})),
  ];
  const active = Object.keys(state.filters).length > 0 || state.q;
  return [search, ...axesOf().map(filterOf), menu("Columns", "", columns),
    h("label", {class: "switch"}, h("input", {type: "checkbox", id: "differs", "data-key": "differs", onchange: (e) => setState({all: !e.target.checked}), ...(state.all ? {} : {checked: true})}), "Only what differs"),
    active && button("Clear filters", clearFilters, {class: "small", "data-key": "clear"})].filter(Boolean);
}

// openMenus are those that stay open when the tools are drawn anew.
const openMenus = new Set();

function menu(title, note, content) {
  const box = h("details", {class: "menu" + (note ? " active" : ""), open: openMenus.has(title)},
    h("summary", {"data-key": "menu " + title}, title, note && h("span", {class: "chosen"}, note)), h("div", {class: "panel"}, content));
  box.addEventListener("toggle", () => {
    if (!box.open) return openMenus.delete(title);
    openMenus.add(title);
    box.classList.toggle("leftward", box.lastChild.getBoundingClientRect().right > innerWidth);
  });
  return box;
}

// filterOf is the menu of an axis: its values, with how many cells have each.
function filterOf(axis) {
  const chosen = state.filters[axis.name] ?? [];
  const count = new Map();
  for (const c of doc.cells) count.set(propertyOf(c, axis.name), (count.get(propertyOf(c, axis.name)) ?? 0) + 1);
  const entries = axis.values.filter((v) => count.get(v)).map((v) => [v, `${v || "(none)"}${v && v === axis.baseline ? " (baseline)" : ""}`, count.get(v)]);
  const change = (list) => {
    const filters = {...state.filters, [axis.name]: list};
    if (!list.length) delete filters[axis.name];
    setState({filters});
  };
  const note = chosen.length === 1 ? chosen[0] || "(none)" : chosen.length ? `${chosen.length} values` : "";
  return menu(axis.name.replaceAll("_", " "), note, [checks(axis.name, entries, chosen, change)]);
}

// checks is a list of check boxes; changed gets the values that are ticked, in order.
function checks(title, entries, chosen, changed) {
  return h("fieldset", {}, h("legend", {}, title), entries.map(([value, text, count]) => h("label", {},
    h("input", {type: "checkbox", value, checked: chosen.includes(value), "data-key": `check ${title} ${value}`,
      onchange: (e) => changed(entries.map(([v]) => v).filter((v) => (v === value ? e.target.checked : chosen.includes(v))))}),
    text, count !== undefined && h("span", {class: "count"}, count))));
}

function tickBox(i) {
  return h("input", {type: "checkbox", class: "tick", checked: state.tick.includes(i), "aria-label": `Compare cell ${i + 1}`, "data-key": "tick" + i, "data-tick": i, onchange: (e) => tick(i, e.target.checked)});
}

// tick adds a cell to those that are compared, or takes it out.
function tick(i, on) {
  state.tick = on ? [...state.tick.filter((t) => t !== i), i] : state.tick.filter((t) => t !== i);
  writeState();
  $$(`[data-tick="${i}"]`).forEach((box) => (box.checked = on));
  drawCompare();
  scatterLater();
}

// drawScatter draws the cells that were found by two of their levels: latency against
// load, if nothing else is chosen.
function drawScatter() {
  const {keys, ops, names} = levelsKnown;
  const op = (state.ops ?? ops)[0], all = names.flatMap((name) => (keys.has(name) ? [name] : ops.map((o) => `${name} ${o}`).filter((k) => keys.has(k))));
  const [x, y] = state.plot?.length === 2 && state.plot.every((key) => keys.has(key)) ? state.plot : [`throughput ${op}`, `p99 ${op}`];
  const select = (label, value, change) => h("label", {}, label + " ", h("select", {"data-key": "plot " + label, onchange: (e) => change(e.target.value)}, all.map((key) => h("option", {value: key, selected: key === value}, titleOf(key)))));
  const set = (plot) => (Object.assign(state, {plot}), writeState(), drawScatter());
  const left = found(), few = left.length <= 200;
  const point = (i) => {
    const [fx, fy] = [x, y].map((key) => factOf(doc.cells[i].levels?.[key]));
    return fx && fy && {x: fx.value, y: fy.value, ...(few ? {lo: fy.lo, hi: fy.hi} : {}), fact: fy.id};
  };
  const series = (name, indexes) => ({name, style: "points", points: indexes.map(point).filter(Boolean)});
  const rest = left.filter((i) => !state.tick.includes(i));
  const figure = {title: `${titleOf(y)} against ${titleOf(x)}`, kind: "lines", id: "plot", x: {label: titleOf(x), log: true}, y: {label: titleOf(y), log: true},
    series: [...state.tick.map((i) => series(`cell ${i + 1}`, [i])), {...series("cells", rest), plain: state.tick.length > 0}].filter((q) => q.points.length)};
  keepFocus(() => $("#cells-plot").replaceChildren(h("h3", {}, "Latency against load"), h("p", {class: "choices"}, select("up", y, (v) => set([x, v])), select("along", x, (v) => set([v, y]))),
    figure.series.length ? drawn((width) => [drawLines(figure, width), ...legendFor(figure)]) : h("p", {class: "note"}, "No cell has both levels.")));
}

// cellsSection is the explorer's frame.
function cellsSection() {
  if ($("#cells-tools")) return; // a page that renews itself has it
  $("#cells").replaceChildren(h("h2", {id: "cells-title"}, "Cells"),
    h("p", {class: "doc"}, "Every cell of the matrix with its levels. Tick two or more to compare them; open a number to see where it comes from."),
    h("div", {id: "cells-tools", class: "tools-row"}), h("div", {id: "cells-table"}), h("section", {id: "compare", "aria-label": "Comparison"}), h("div", {id: "cells-plot", class: "plot"}));
}
