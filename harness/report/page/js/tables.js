// Tables: facts.Table and what the page makes itself, sorted, copied as Markdown or CSV.

// WORDS are the marks and names of how a ratio stands; see standing.
const WORDS = {
  better: ["▲", "better"],
  worse: ["▼", "worse"],
  neither: ["◆", "different"],
  equivalent: ["=", "equivalent"],
  unresolved: ["?", "unresolved"],
};

// standing is how a fact or a point is shown: better, worse, neither, equivalent,
// unresolved, or "" for what is no judged ratio.
function standing(f) {
  if (f.word === "different") return f.better || "neither";
  return f.word || "";
}

// factButton shows a fact; a click opens it.
function factButton(id) {
  const f = factOf(id);
  const how = standing(f);
  const [, value, rest] = f.text.match(/^([^[(]*?)( [[(].*)?$/s);
  const interval = rest?.replace(/ (=|\?.*)$/, "");
  const trailing = how === "equivalent" ? " =" : how === "unresolved" ? " ? " + (f.found ? number(f.found) : "") : "";
  return h("button", {type: "button", class: "fact " + how, "data-fact": id, "data-key": "fact" + id},
    how && !trailing && h("span", {class: "mark", "aria-hidden": "true"}, WORDS[how][0]), how && hiddenText(WORDS[how][1] + " "),
    h("b", {}, value), interval && h("span", {class: "interval"}, interval), trailing && h("span", {class: "interval", "aria-hidden": "true"}, trailing));
}

function valueNode(value) {
  if (value.node) return value.node();
  return value.fact ? factButton(value.fact) : value.text ?? "";
}

// heading is a column's, which sorts by it.
function heading(column, sort, onsort) {
  const down = sort === "-" + column.key, up = sort === column.key;
  return h("th", {scope: "col", class: column.text ? "" : "num", "aria-sort": up ? "ascending" : down ? "descending" : null, title: column.hint},
    button([column.title, h("span", {class: "arrow", "aria-hidden": "true"}, up ? "↑" : down ? "↓" : "")], () => onsort(column.key), {class: "sort", "data-key": "sort " + column.key}));
}

// grid draws columns and rows. Each row is {key, cells, class, lead}: values by column,
// and what stands before them.
function grid({columns, rows, sort = "", onsort, caption, lead, label}) {
  const name = columns.slice(0, 2).findIndex((c) => c.text); // the column that names a row
  const bodyCell = (column, i, value) => (i === name && textOf(value) ? h("th", {scope: "row"}, valueNode(value)) : h("td", {class: column.text ? null : "num"}, valueNode(value)));
  const bodyRow = (row) => h("tr", {class: row.class},
    row.lead && h("td", {class: "lead"}, row.lead()), columns.map((column, i) => bodyCell(column, i, row.cells[i])));
  return h("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": label},
    h("table", {},
      caption && h("caption", {class: "vh"}, caption),
      h("thead", {}, h("tr", {}, lead, columns.map((c) => heading(c, sort, onsort)))),
      h("tbody", {}, rows.map(bodyRow))));
}

// tableView is a table of the document with its tools. id is unique on the page.
function tableView(id, table) {
  const box = h("div", {class: "table", id: "table-" + slug(id)});
  const drawAgain = () => keepFocus(() => {
    const sort = state.tables[id] ?? "";
    const place = (key) => table.columns.findIndex((c) => c.key === key);
    const rows = sorted(table.rows, sort, (row, key) => (place(key) < 0 ? "" : sortOf(row.cells[place(key)])));
    const onsort = (key) => {
      const next = nextSort(sort, key);
      if (next) state.tables[id] = next;
      else delete state.tables[id];
      writeState();
      drawAgain();
    };
    box.replaceChildren(
      h("div", {class: "table-head"}, table.title && h("h3", {}, table.title), copyTools(() => ({columns: table.columns, rows}))),
      grid({columns: table.columns, rows, sort, onsort, label: `Table ${id.replaceAll("-", " ")}`}),
      table.caption ? h("p", {class: "caption"}, table.caption) : "",
      ...notesOf(table));
  });
  drawAgain();
  return box;
}

const notesOf = ({notes}) => (notes ?? []).map((note) => h("p", {class: "note"}, note));

// copyTools are the buttons that copy what made() returns: columns and rows.
function copyTools(made) {
  const copy = (name, write) => async () => {
    const {columns, rows} = made();
    await copyText(write(columns, rows));
    say(`${rows.length} rows copied as ${name}`);
  };
  return h("span", {class: "copy"},
    button("Copy Markdown", copy("Markdown", markdown)), button("Copy CSV", copy("CSV", csv)));
}

function markdown(columns, rows) {
  const line = (cells) => "| " + cells.map((c) => String(c).replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ") + " |\n";
  return line(columns.map((c) => c.title)) + line(columns.map((c) => (c.text ? "---" : "---:"))) +
    rows.map((row) => line(row.cells.map(textOf))).join("");
}

// csv has, for a column with facts, the number with its interval, n and word beside it.
function csv(columns, rows) {
  const quote = (v) => (/[",\n\r]/.test(v) ? `"${String(v).replaceAll('"', '""')}"` : String(v));
  const facts = columns.map((_, i) => rows.some((row) => row.cells[i].fact));
  const head = columns.flatMap((c, i) => (facts[i] ? [c.key, c.key + "_lo", c.key + "_hi", c.key + "_n", c.key + "_word"] : [c.key]));
  const line = (row) => row.cells.flatMap((value, i) => {
    if (!facts[i]) return [textOf(value)];
    const f = value.fact ? factOf(value.fact) : {value: value.text === "n/a" ? "" : value.text};
    return [f.value, f.lo ?? "", f.hi ?? "", f.n ?? "", f.word ?? ""];
  });
  return [head, ...rows.map(line)].map((cells) => cells.map(quote).join(",")).join("\r\n") + "\r\n";
}

// copyText uses the clipboard, or, where a page may not, an old way.
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", {class: "vh", "aria-hidden": "true"});
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}
