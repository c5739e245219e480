// What opens from a number or a cell: all that is known of it, down to the trials.

const detail = h("dialog", {id: "detail", "aria-labelledby": "detail-title"});

const EXPLAINED = {
  different: "different: the interval of the whole family of comparisons leaves out 1",
  equivalent: "equivalent: any difference is too small to matter",
  unresolved: "unresolved: this run cannot tell it from no change",
};

const isRatio = (f) => f.kind === "ratio";

// openFact shows a fact; openCell a cell. Both are in the address.
async function openFact(id) {
  const f = factOf(id);
  if (!f) return;
  await withTrials();
  show({fact: id}, factTitle(f), [
    h("p", {class: "big fact " + standing(f)}, f.text, f.unit ? " " + f.unit : ""),
    h("dl", {}, factLines(f).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    (f.cells ?? []).length ? h("section", {}, h("h3", {}, isRatio(f) ? "Cells: above and below the line" : "Cells"), h("ul", {class: "cells-of"}, f.cells.map(cellItem))) : "",
    trialsOfFact(f),
  ]);
}

async function openCell(index) {
  const cell = doc.cells[index];
  if (!cell) return;
  await withTrials();
  show({cell: index + 1}, cell.id, [
    cell.skip ? h("p", {class: "note"}, "Skipped: " + cell.skip) : "",
    (cell.warnings ?? []).map((w) => h("p", {class: "note"}, w)),
    h("dl", {}, [["group", cell.group], ["workload", cell.workload], ["target", cell.target], ["durability", cell.durability], ["bounded by", cell.bound], ["valid trials", cell.blocks], ["void trials", cell.void]]
      .filter(([, v]) => v).map(([name, v]) => [h("dt", {}, name), h("dd", {}, String(v))])),
    commandOf(cell),
    levelsOf(cell),
    percentileChart([index]),
    trialsOfCell(cell),
    h("details", {}, h("summary", {}, "All properties"), h("dl", {}, Object.entries(cell.properties ?? {}).filter(([, v]) => v !== "").map(([name, v]) => [h("dt", {}, name), h("dd", {}, v)]))),
  ]);
}

function show(open, title, content) {
  Object.assign(state, {fact: undefined, cell: undefined, ...open});
  writeState();
  detail.replaceChildren(h("div", {class: "detail-head"}, h("h2", {id: "detail-title", tabindex: "-1"}, title), button("Close", () => detail.close(), {class: "close"})),
    h("div", {class: "detail-body", tabindex: "0", role: "region", "aria-label": "Details"}, content));
  if (!detail.open) detail.showModal();
  $("#detail-title").focus({preventScroll: true});
}

detail.addEventListener("close", () => {
  Object.assign(state, {fact: undefined, cell: undefined});
  writeState();
});
detail.addEventListener("click", (e) => e.target === detail && detail.close());

function factTitle(f) {
  const metric = metrics.get(f.metric);
  const name = (metric?.title ?? f.metric ?? f.kind) + (f.op ? " of " + f.op : "");
  return isRatio(f) ? "Ratio of " + name : name;
}

// factLines are a fact's fields, by name.
function factLines(f) {
  const metric = metrics.get(f.metric);
  const lines = [
    ["metric", metric && `${metric.name}: ${metric.source}`],
    ["better", metric && {higher: "higher is better", lower: "lower is better"}[metric.better]],
    ["unit", isRatio(f) ? "none: a ratio" : f.unit],
    ["95 % interval", f.lo !== undefined && f.hi !== undefined ? `${number(f.lo)} to ${number(f.hi)}` : "none: too few blocks"],
    ["n", `${f.n} block${f.n === 1 ? "" : "s"}`],
    ["least and greatest block", f.min !== undefined && f.max !== undefined && `${number(f.min)} to ${number(f.max)}`],
    ["word", EXPLAINED[f.word] && EXPLAINED[f.word] + (f.word === "different" && f.better && f.better !== "neither" ? `; for the ${f.better}` : "")],
    ["smallest effect found", f.found && `${number(f.found)}: the least ratio that this run would have told from 1 with a chance of 80 %`],
    ["family", f.family && `${f.family}, of ${f.family_size} comparison${f.family_size === 1 ? "" : "s"} judged together`],
    ["blocks", f.blocks],
    ["fact", String(f.id)],
  ];
  return lines.filter(([, value]) => value);
}

function cellItem(index) {
  const cell = doc.cells[index];
  return h("li", {}, button(cell.id, () => openCell(index), {class: "link"}), tickButton(index), commandOf(cell));
}

const tickButton = (index) => button(state.tick.includes(index) ? "ticked" : "tick to compare", (e) => {
  tick(index, !state.tick.includes(index));
  e.target.textContent = state.tick.includes(index) ? "ticked" : "tick to compare";
}, {class: "small"});

const commandOf = (cell) => cell.command && h("p", {class: "command"}, h("code", {}, cell.command), button("Copy", async () => (await copyText(cell.command), say("command copied")), {class: "small"}));

// trialsOfFact has a row for each block: the trials' own values, and of a ratio their
// quotient.
function trialsOfFact(f) {
  const key = keyOf(f), cells = (f.cells ?? []).map((i) => doc.cells[i]);
  const trials = cells.map((cell) => (cell.trials ?? []).filter((t) => t.values?.[key] !== undefined));
  const blocks = [...new Set(trials.flat().map((t) => t.block))].sort((a, b) => a - b);
  if (!blocks.length) return "";
  const pair = cells.length === 2 && isRatio(f);
  const names = pair ? ["above", "below"] : cells.length === 1 ? ["value"] : cells.map((_, i) => "cell " + (i + 1));
  const columns = [{key: "block", title: "block"}, ...names.map((title) => ({key: title, title})), ...(pair ? [{key: "quotient", title: "quotient"}] : []), {key: "checks", title: "not ok", text: true}];
  const rows = blocks.map((block) => {
    const found = trials.map((list) => list.find((t) => t.block === block && !t.void) ?? list.find((t) => t.block === block));
    const values = found.map((t) => t?.values[key]);
    const shown = (v) => ({text: v === undefined ? "n/a" : number(v), sort: v ?? ""});
    return {key: String(block), cells: [shownCount(block), ...values.map(shown), ...(pair ? [shown(values[0] !== undefined && values[1] ? values[0] / values[1] : undefined)] : []), {text: found.map(troubleOf).filter(Boolean).join("; ")}]};
  });
  const at = pair ? 3 : 1;
  return h("section", {}, h("h3", {}, "Trials' own values"),
    blocks.length > 1 && drawn((width) => drawLines({title: "Values by block", x: {label: "block", zero: false}, y: {label: pair ? "quotient" : titleOf(key), zero: false},
      series: [{name: "", style: "points", points: rows.map((r, i) => ({x: blocks[i], y: r.cells[at].sort})).filter((p) => p.y !== "")}]}, Math.min(width, 560))),
    tableView("trials-of-" + f.id, {columns, rows}));
}

const shownCount = (n) => ({text: String(n), sort: n});

// troubleOf says what is wrong with a trial.
function troubleOf(t) {
  if (!t) return "";
  return [t.void && "void: " + t.void, ...Object.entries(t.checks ?? {}).map(([name, outcome]) => `${name}: ${outcome}`)].filter(Boolean).join(", ");
}

function levelsOf(cell) {
  const rows = inOrder(Object.keys(cell.levels ?? {})).map((key) => [key, cell.levels[key]]).map(([key, id]) => ({key, cells: [{text: titleOf(key)}, {fact: id}, shownCount(factOf(id).n)]}));
  return rows.length ? tableView("levels-of-cell", {title: "Levels", columns: [{key: "metric", title: "metric", text: true}, {key: "level", title: "level"}, {key: "n", title: "n"}], rows}) : "";
}

function trialsOfCell(cell) {
  const rows = (cell.trials ?? []).map((t, i) => ({key: String(i), cells: [shownCount(t.block), shownCount(t.order), {text: troubleOf(t) || "all checks ok"}]}));
  return rows.length ? tableView("trials-of-cell", {title: "Trials", columns: [{key: "block", title: "block"}, {key: "order", title: "place in the run"}, {key: "checks", title: "checks", text: true}], rows}) : "";
}
