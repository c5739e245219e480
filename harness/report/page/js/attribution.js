// The attribution of a response to items: a waterfall whose items can be moved. The
// ladder gives an item what it adds at its place in the order; the Shapley share is the
// mean of that over all orders, and stays.

const itemsOf = (figure) => figure.x.categories.slice(1, -1);
const hasOrders = (figure) => figure.x.categories?.length > 2 && figure.subsets?.length === 2 ** itemsOf(figure).length;

// orderOf is the order in the address, if it is one of this figure's items.
function orderOf(figure) {
  const n = itemsOf(figure).length, kept = state.order[figure.id];
  const sound = kept?.length === n && range(n).every((i) => kept.includes(i));
  return sound ? [...kept] : range(n);
}

// ladderOf is, for each item, the logarithm of what it adds to those before it.
function ladderOf(figure, order) {
  const steps = [];
  let before = 0;
  for (const i of order) {
    steps[i] = figure.subsets[before | (1 << i)] - figure.subsets[before];
    before |= 1 << i;
  }
  return steps;
}

// spreadOf is the least and the greatest that any order gives an item.
function spreadOf(figure, i) {
  const steps = range(figure.subsets.length).filter((set) => !(set & (1 << i))).map((set) => figure.subsets[set | (1 << i)] - figure.subsets[set]);
  return [Math.min(...steps), Math.max(...steps)];
}

// shapleyOf is the mean of an item's steps over all orders.
function shapleyOf(figure, i) {
  const n = itemsOf(figure).length, factorial = (k) => (k < 2 ? 1 : k * factorial(k - 1));
  return sum(range(figure.subsets.length).filter((set) => !(set & (1 << i))).map((set) => {
    const k = set.toString(2).replaceAll("0", "").length;
    return ((factorial(k) * factorial(n - k - 1)) / factorial(n)) * (figure.subsets[set | (1 << i)] - figure.subsets[set]);
  }));
}

// drawWaterfall draws the start, the items in an order, and the end as rows. Each series
// has a bar in each row, that begins where its bar before ended.
function drawWaterfall(figure, width, order = range(itemsOf(figure).length)) {
  const names = figure.x.categories, rows = [0, ...order.map((i) => i + 1), names.length - 1], single = figure.series.length === 1;
  const labels = rowLabels(names, width), lead = labels.over ? 15 : 0, thick = 13, tall = thick * figure.series.length + 8 + lead, height = 8 + rows.length * tall;
  const box = {left: labels.left, right: width - 66, top: 8, bottom: height};
  const spans = figure.series.map((q) => spansOf(q, rows));
  const all = spans.flat().flatMap((span) => [span.from, span.to]).filter((v) => v > 0).map((y) => ({y}));
  const [lo, hi] = extent(all, figure.y.log, figure.y.log ? [Math.min(...all.map((p) => p.y)) / 1.1] : []);
  const x = scaleOf(lo, hi, box.left, box.right, figure.y.log), inside = (v) => x(Math.min(hi, Math.max(lo, v)));
  const drawBar = ({p, from, to, end}, i, name, y) => {
    const how = end ? "plain" : howOf(p, 2 * i, single), [a, b] = [inside(from), inside(to)];
    const reach = !end && p.lo !== undefined && p.hi !== undefined ? [inside(from * p.lo), inside(from * p.hi)] : null;
    return [s("rect", {x: Math.min(a, b), width: Math.max(1.5, Math.abs(b - a)), y, height: thick - 2, class: `bar ${how} ${p.unjudged ? "unjudged" : ""}`, "data-tip": pointTip(end ? "" : figure.series[i].name, name, p), "data-fact": p.fact || null}),
      reach && whisker(...reach, y + thick / 2 - 1, false, how), label(Math.max(a, b, ...(reach ?? [])) + 6, y + 10, number(p.y) + (end ? "" : "×"), {class: "value"})];
  };
  const drawRow = (k, r) => {
    const y = 8 + r * tall, top = y + 4 + lead, present = spans.map((list, i) => [list[r], i]).filter(([span]) => span);
    const bars = present[0]?.[0].end ? drawBar(present[0][0], 0, names[k], top + (thick * (figure.series.length - 1)) / 2) : present.map(([span, i]) => drawBar(span, i, names[k], top + i * thick));
    return [s("rect", {x: 0, y, width, height: tall, class: "row" + (r % 2 ? " odd" : "")}), rowLabel(labels, names[k], y, tall), bars];
  };
  const drawnRows = rows.map(drawRow);
  return canvas(figure, width, height + 40, drawnRows.map(([row]) => row), xAxis(x, box, figure.y.label), drawnRows.map(([, ...rest]) => rest));
}

// spansOf are the bars of a series: from where to where, row by row.
function spansOf(series, rows) {
  let at = series.points.find((p) => p.x === 0)?.y ?? 1;
  return rows.map((k, r) => {
    const p = series.points.find((q) => q.x === k);
    if (r === 0 || r === rows.length - 1) return p && {p, from: 0, to: p.y, end: true};
    const from = at;
    at *= p?.y ?? 1;
    return p && {p, from, to: at};
  });
}

// shapleyFacts are the facts of the items' Shapley shares, out of the table that stands
// with the figure; undefined where it has none.
function shapleyFacts(figure, tables) {
  const table = tables.find((t) => t.columns.some((c) => c.key === "shapley"));
  const at = table?.columns.findIndex((c) => c.key === "shapley");
  return itemsOf(figure).map((item) => table?.rows.find((row) => row.cells[0].text === item)?.cells[at]?.fact);
}

// inThisOrder is the figure with two series: the ladder in an order, and the Shapley
// shares. A ladder's steps have intervals in the plan's order alone.
function inThisOrder(figure, order, facts) {
  const given = figure.series[0].points, last = figure.x.categories.length - 1, ends = given.filter((p) => p.x === 0 || p.x === last);
  const steps = ladderOf(figure, order), planned = order.every((v, i) => v === i);
  const ladder = order.map((i) => (planned && given.find((p) => p.x === i + 1)) || {x: i + 1, y: Math.exp(steps[i]), unjudged: true});
  const shares = order.map((i) => {
    const f = facts[i] && factOf(facts[i]);
    return f ? {x: i + 1, y: f.value, lo: f.lo, hi: f.hi, word: f.word, better: f.better, fact: f.id} : {x: i + 1, y: Math.exp(shapleyOf(figure, i)), unjudged: true};
  });
  return {...figure, series: [{name: "ladder, in this order", points: [...ends, ...ladder]}, {name: "Shapley, mean of all orders", points: [...ends, ...shares]}]};
}

// attributionView is the waterfall with the table in which its items move.
function attributionView(figure, tables = []) {
  const items = itemsOf(figure), facts = shapleyFacts(figure, tables), total = figure.subsets.at(-1);
  const chart = drawn((width) => {
    const order = orderOf(figure);
    return [drawWaterfall(inThisOrder(figure, order, facts), width, order),
      legendOf([["c0", 1, null, "ladder, in this order"], ["c2", 1, null, "Shapley, mean of all orders"], ["c0 unjudged", 1, null, "pale: another order than the plan's, no interval"], ["unresolved", 1, null, "unresolved"], ["equivalent", 1, null, "equivalent"]])];
  });
  const set = (order, told) => {
    if (order.every((v, i) => v === i)) delete state.order[figure.id];
    else state.order[figure.id] = order;
    writeState();
    keepFocus(drawTable);
    chart.redraw();
    say(told);
  };
  const move = (from, to) => {
    const order = orderOf(figure);
    if (from < 0 || to < 0 || to >= order.length || from === to) return;
    const [item] = order.splice(from, 1);
    order.splice(to, 0, item);
    set(order, `${items[item]} is now ${to + 1} of ${order.length}; its step is ${number(Math.exp(ladderOf(figure, order)[item]))}`);
  };
  const table = h("div", {class: "scroll order", tabindex: "0", role: "region", "aria-label": `Order of items in ${figure.id.replaceAll("-", " ")}`});
  const drawTable = () => {
    const order = orderOf(figure), made = inThisOrder(figure, order, facts).series.map((q) => q.points);
    const share = (log) => h("span", {class: "interval"}, Math.abs(total) < 1e-9 ? "" : ` ${Math.round((100 * log) / total)} %`);
    const shown = (points, i) => {
      const p = points.find((q) => q.x === i + 1);
      return [p.fact ? factButton(p.fact) : h("b", {}, number(p.y) + "×"), share(Math.log(p.y))];
    };
    const columns = [["order", "moves"], ["item"], ["ladder, in this order", "num"], ["over all orders", "num"], ["Shapley, mean of all orders", "num"]];
    table.replaceChildren(h("table", {},
      h("caption", {class: "vh"}, "Items in order; move them by their buttons, by dragging, or by Alt and the arrow keys"),
      h("thead", {}, h("tr", {}, columns.map(([title, how]) => h("th", {scope: "col", class: how}, title)))),
      h("tbody", {}, order.map((i, place) => itemRow(figure, i, place, move, [shown(made[0], i), spreadText(figure, i), shown(made[1], i)])))));
  };
  const largest = range(items.length).sort((a, b) => shapleyOf(figure, b) - shapleyOf(figure, a));
  drawTable();
  return h("div", {class: "attribution"},
    h("p", {class: "caption"}, "Move an item: what it adds in the ladder depends on what is there before it; its Shapley share does not."),
    h("p", {class: "choices"}, button("plan's order", () => set(range(items.length), "the plan's order")), button("largest first", () => set([...largest], "largest first")), button("reverse", () => set(orderOf(figure).reverse(), "reversed"))),
    table, chart);
}

const spreadText = (figure, i) => spreadOf(figure, i).map((log) => number(Math.exp(log)) + "×").join(" to ");

// What is dragged, and from where: [figure's id, place].
let dragged = [];

// itemRow is a row of the items' table, which moves by buttons, by dragging and by keys.
function itemRow(figure, i, place, move, [ladder, spread, shapley]) {
  const item = itemsOf(figure)[i], last = itemsOf(figure).length - 1;
  const arrow = (to, glyph, word) => button(glyph, () => move(place, to), {class: "move", "aria-label": `Move ${item} ${word}`, "aria-disabled": to < 0 || to > last ? "true" : null, "data-key": `move ${figure.id} ${i} ${word}`});
  const drop = (e) => (e.preventDefault(), dragged[0] === figure.id && move(dragged[1], place));
  const onkeydown = (e) => {
    const to = e.altKey && {ArrowUp: place - 1, ArrowDown: place + 1}[e.key];
    if (to !== undefined && to !== false) (e.preventDefault(), move(place, to));
  };
  return h("tr", {draggable: "true", ondragstart: () => (dragged = [figure.id, place]), ondragover: (e) => e.preventDefault(), ondrop: drop, onkeydown},
    h("td", {class: "moves"}, h("span", {class: "grip", "aria-hidden": "true"}, "⠿"), arrow(place - 1, "↑", "up"), arrow(place + 1, "↓", "down")),
    h("th", {scope: "row"}, item), h("td", {class: "num ladder-step"}, ladder), h("td", {class: "num quiet"}, spread), h("td", {class: "num shapley-share"}, shapley));
}
