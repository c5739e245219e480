// The page itself: what is drawn when, and what clicks and keys do.

// nextFrame lets the browser paint first. A page that is not seen has no frames.
const nextFrame = () => new Promise((done) => (requestAnimationFrame(() => setTimeout(done)), setTimeout(done, 60)));

// drawAll draws the document: the cells first, then each view in a frame of its own, so
// that the page answers while it is drawn.
async function drawAll() {
  orderOfValue.clear();
  knowLevels();
  $$("#ledger .fact").forEach((plain) => plain.replaceWith(factButton(Number(plain.dataset.fact))));
  keepFocus(() => {
    cellsSection();
    drawCells();
    drawCompare();
    drawContents();
    drawRun();
  });
  performance.mark("cells");
  const views = $("#views");
  const shown = viewsShown();
  for (const [i, view] of shown.entries()) {
    await nextFrame();
    if (i < views.children.length) renew(views.children[i], viewSection(view));
    else views.append(viewSection(view));
  }
  while (views.children.length > shown.length) views.lastChild.remove();
}

// viewsShown are the plan's questions; its ledger stands at the top already.
const viewsShown = () => doc.views.filter((v) => v.kind !== "ledger" || !doc.claims?.length);

// viewSection is a question of the plan with its answer. A figure that shows what tables
// hold, by its id, stands with them; several of that kind fold.
function viewSection(view) {
  const tables = view.tables ?? [], figures = view.figures ?? [];
  const idOf = (table) => slug(`${view.id}-${table.id}`);
  const ofFigure = (figure) => tables.filter((t) => idOf(t) === figure.id || idOf(t).startsWith(figure.id + "-"));
  const groups = figures.map((figure) => ({figure, tables: ofFigure(figure)})).filter((g) => g.tables.length);
  const grouped = new Set(groups.flatMap((g) => [g.figure, ...g.tables]));
  const alone = figures.filter((f) => !grouped.has(f));
  const draw = (table) => tableView(idOf(table), table);
  const whole = (g) => [figureView(g.figure, g.tables), draw(g.tables[0]), g.tables.slice(1).map((t) => fold(t.title || t.id, [draw(t)]))];
  return h("section", {id: "view-" + view.id, class: "view", "aria-labelledby": `view-${view.id}-title`},
    h("h2", {id: `view-${view.id}-title`}, view.title), view.doc && h("p", {class: "doc"}, view.doc),
    groups.length === 1 ? whole(groups[0]) : groups.map((g, i) => fold(g.figure.title, whole(g), i === 0)),
    alone.length > 0 && h("div", {class: "charts"}, alone.map((f) => figureView(f))),
    tables.filter((t) => !grouped.has(t)).map(draw), notesOf(view));
}

// fold is content under a title that opens and closes; in print it is open.
function fold(title, content, open = false) {
  return h("details", {class: "fold", open}, h("summary", {}, title), content);
}

function drawContents() {
  const entries = [["answer", "Answer"], $("#claims") && ["claims", "Claims"], ...viewsShown().map((v) => ["view-" + v.id, v.title]), ["cells", "Cells"], ["run", "Run"]].filter(Boolean);
  $("#contents").replaceChildren(...entries.map(([id, title]) => h("li", {}, h("a", {href: "#at=" + id, "data-at": id}, title))));
}

// drawRun says how the run was made, and what was taken out.
function drawRun() {
  const run = doc.run, env = Object.entries(run.environment ?? {}).filter(([, v]) => v !== null && typeof v !== "object" && v !== "" && v !== 0);
  const rows = (list) => (list ?? []).map((e, i) => ({key: String(i), cells: [{text: e.cell}, ...(e.block === undefined ? [] : [shownCount(e.block)]), {text: e.reason}]}));
  const text = (key) => ({key, title: key, text: true});
  const outcomes = [...new Set(Object.values(run.checks ?? {}).flatMap(Object.keys))].sort();
  $("#run").replaceChildren(h("h2", {id: "run-title"}, "Run"),
    h("p", {class: "command"}, h("code", {}, run.command), button("Copy", async () => (await copyText(run.command), say("command copied")), {class: "small"})),
    h("dl", {class: "wide"}, [["seed", String(run.seed)], ["schema", doc.schema], ...env.map(([k, v]) => [k.replaceAll("_", " "), String(v)])].map(([k, v]) => [h("dt", {}, k), h("dd", {}, v)])),
    outcomes.length ? tableView("run-checks", {title: "Checks", caption: "Trials by what each check came to.", columns: [text("check"), ...outcomes.map((o) => ({key: o, title: o}))],
      rows: Object.entries(run.checks).map(([name, count]) => ({key: name, cells: [{text: name}, ...outcomes.map((o) => shownCount(count[o] ?? 0))]}))}) : "",
    run.voids?.length ? tableView("run-voids", {title: "Void trials", columns: [text("cell"), {key: "block", title: "block"}, text("reason")], rows: rows(run.voids)}) : "",
    run.skipped?.length ? tableView("run-skipped", {title: "Skipped cells", columns: [text("cell"), text("reason")], rows: rows(run.skipped)}) : "");
}

// goTo moves to a section, and says so in the address.
function goTo(id) {
  const section = document.getElementById(id);
  if (!section) return;
  state.at = id;
  writeState();
  section.scrollIntoView();
  section.tabIndex = -1;
  section.focus({preventScroll: true});
}

// restore shows what the address says beside the cells.
async function restore() {
  if (state.at) document.getElementById(state.at)?.scrollIntoView();
  if (state.fact) await openFact(state.fact);
  else if (state.cell) await openCell(state.cell - 1);
  else if (detail.open) detail.close();
}

const HELP = [
  ["1.23 [1.10, 1.38]", "an estimate with its 95 % interval; open it for n, blocks, trials and the command that makes it again"],
  ["▲ ▼", "a ratio that is different from 1, for the better or for the worse"],
  ["=", "equivalent: any difference is too small to matter"],
  ["? 1.15", "unresolved, grey and hollow: the run cannot tell it from no change; it would have found a ratio of 1.15"],
  ["/", "search cells"], ["t", "theme: auto, light, dark"], ["?", "this help"], ["Esc", "close"],
  ["↑ ↓", "on a tick: the row above or below"], ["Alt ↑ ↓", "on an item of an attribution: move it"],
];

function openHelp() {
  show({}, "How to read", [h("dl", {}, HELP.map(([key, text]) => [h("dt", {}, key), h("dd", {}, text)])),
    h("p", {class: "doc"}, "What is chosen is in the address: copy it, and the link shows the same.")]);
}

function onClick(e) {
  const fact = e.target.closest("[data-fact]"), link = e.target.closest("a[data-at]");
  if (fact) openFact(Number(fact.dataset.fact));
  if (link) {
    e.preventDefault();
    goTo(link.dataset.at);
  }
  for (const menu of $$("details.menu[open]")) if (!menu.contains(e.target) && document.contains(e.target)) menu.open = false;
}

function onKey(e) {
  const typing = e.target.matches("input:not([type=checkbox]), select, textarea");
  if (e.key === "Escape") $$("details.menu[open]").forEach((m) => ((m.open = false), $("summary", m).focus()));
  if (e.target.matches(".tick") && ["ArrowUp", "ArrowDown"].includes(e.key)) {
    const all = $$(".tick"), next = all[all.indexOf(e.target) + (e.key === "ArrowDown" ? 1 : -1)];
    e.preventDefault();
    next?.focus();
  }
  if (typing || e.ctrlKey || e.metaKey || e.altKey || detail.open) return;
  if (e.key === "/") (e.preventDefault(), goTo("cells"), $("#search").focus());
  if (e.key === "?") openHelp();
  if (e.key === "t") nextTheme();
}

const nextTheme = () => setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length]);

// markPlace shows in the contents where the reader is.
function markPlace() {
  const seen = new IntersectionObserver((entries) => {
    for (const e of entries) if (e.isIntersecting) $$("[data-at]").forEach((a) => a.toggleAttribute("aria-current", a.dataset.at === e.target.id));
  }, {rootMargin: "-15% 0px -75% 0px"});
  $$("main section[id]").filter((section) => section.id !== "compare").forEach((section) => seen.observe(section));
}

async function begin() {
  setTheme(readTheme());
  document.body.append(detail);
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  $("#theme-button").addEventListener("click", nextTheme);
  $("#help-button").addEventListener("click", openHelp);
  watchTips();
  await nextFrame(); // the answer first
  await readDocument(document);
  readState();
  await drawAll();
  await restore();
  markPlace();
  addEventListener("beforeprint", () => $$("details.fold").forEach((d) => (d.open = true)));
  addEventListener("hashchange", async () => (readState(), await drawAll(), await restore()));
  performance.mark("ready");
  document.documentElement.dataset.ready = "";
  if (document.body.hasAttribute("data-live")) watchLive(async (page) => (await readDocument(page), await drawAll()));
}

begin().catch((error) => {
  $("#run").replaceChildren(h("p", {class: "note"}, `The tables and charts cannot be drawn here (${error.message}). They need a browser of 2024 or later; report.md holds the same.`));
  throw error;
});
