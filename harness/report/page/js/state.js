// What the reader chose, kept in the address behind the #, so that a link restores it.
//
//   at=ID           the section that is looked at
//   q=WORDS         the search among cells
//   f.AXIS=A|B      cells with one of the values
//   sort=KEY        the column that cells are sorted by; -KEY: downwards
//   metrics=A|B     the columns shown;  ops=put|get  of these operations
//   all=1           columns that are equal everywhere are shown too
//   page=2          of the cells;  tick=3|5  the cells that are compared
//   plot=X|Y        the chart of the cells
//   t.TABLE=KEY     how a table is sorted
//   order.FIGURE=2|0|1  the items of an attribution, by their numbers
//   fact=12, cell=3     what is open

const state = {};

const LISTS = ["metrics", "ops", "tick", "plot"];

// readState takes the state from the address.
function readState() {
  for (const key of Object.keys(state)) delete state[key];
  Object.assign(state, {q: "", filters: {}, tables: {}, order: {}, page: 1, tick: [], sort: "", all: false});
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
    const [group, name] = key.includes(".") ? [key.slice(0, key.indexOf(".")), key.slice(key.indexOf(".") + 1)] : [key, ""];
    if (group === "f") state.filters[name] = value.split("|");
    else if (group === "t") state.tables[name] = value;
    else if (group === "order") state.order[name] = value.split("|").map(Number);
    else if (LISTS.includes(key)) state[key] = value === "" ? [] : value.split("|");
    else if (["page", "fact", "cell"].includes(key)) state[key] = Number(value) || undefined;
    else if (key === "all") state.all = value === "1";
    else if (["at", "q", "sort"].includes(key)) state[key] = value;
    else if (value === "" && document.getElementById(key)) state.at = key; // a plain #section
  }
  state.page ||= 1;
  state.tick = state.tick.map(Number).filter(Number.isInteger);
}

// writeState puts the state into the address, without what is the default.
function writeState() {
  const p = new URLSearchParams();
  const put = (key, value) => value && p.set(key, value);
  put("at", state.at);
  put("q", state.q);
  for (const [axis, values] of Object.entries(state.filters)) p.set("f." + axis, values.join("|"));
  put("sort", state.sort);
  for (const key of LISTS) if (state[key] && (key !== "tick" || state.tick.length)) p.set(key, state[key].join("|"));
  put("all", state.all ? "1" : "");
  put("page", state.page > 1 && String(state.page));
  for (const [table, key] of Object.entries(state.tables)) p.set("t." + table, key);
  for (const [figure, order] of Object.entries(state.order)) p.set("order." + figure, order.join("|"));
  put("fact", state.fact && String(state.fact));
  put("cell", state.cell && String(state.cell));
  const text = p.toString().replaceAll("%7C", "|").replaceAll("%2C", ",").replaceAll("%3D", "=");
  history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
}

// nextSort is what a click on a heading makes of a sort: up, down, as it was.
function nextSort(sort, key) {
  if (sort === key) return "-" + key;
  return sort === "-" + key ? "" : key;
}

// The theme is the reader's, not the link's.
const THEMES = ["auto", "light", "dark"];

function readTheme() {
  try {
    const kept = localStorage.getItem("metabench-theme");
    return THEMES.includes(kept) ? kept : "auto";
  } catch {
    return "auto"; // a browser may forbid it to files
  }
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  $("#theme-button").textContent = "Theme: " + theme;
  try {
    localStorage.setItem("metabench-theme", theme);
  } catch {
    // it holds until the page is closed
  }
}
