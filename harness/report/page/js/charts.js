// One drawing for each kind of facts.Figure.

const LEVELS = ["target", "ceiling", "limit"]; // styles that are lines across the plot
const isLevel = (series) => LEVELS.includes(series.style);
const measuredOf = (figure) => figure.series.filter((one) => !isLevel(one) && one.style !== "fit");

// howOf is the class of a point's mark: what is not resolved or is equivalent has no
// colour; a single series is coloured by better and worse, several by series.
function howOf(p, i, single) {
  const how = standing(p);
  if (how === "unresolved" || how === "equivalent") return how;
  return single && how ? how : colour(i);
}

// drawBars draws values by category as rows: names of cells are long. On a logarithmic
// axis a bar's length means nothing, so that a ratio's bar begins at 1, and a level is
// a mark.
function drawBars(figure, width) {
  const names = figure.x.categories, series = measuredOf(figure), levels = figure.series.filter((one) => !series.includes(one));
  const single = series.length === 1, thick = single ? 14 : 11;
  const rows = names.map((_, k) => series.map((one, i) => ({i, p: one.points.find((p) => p.x === k)})).filter((r) => r.p));
  const above = rowLabels(names, width), top = 8;
  const heights = rows.map((r) => Math.max(1, r.length) * thick + 8 + (above.over ? 15 : 0));
  const height = top + sum(heights);
  const box = {left: above.left, right: width - 62, top, bottom: height};
  const log = figure.y.log, one = figure.y.one || figure.x.one;
  const [lo, hi] = extent(figure.series.flatMap((q) => q.points), log, one ? [1] : []);
  const x = scaleOf(lo, hi, box.left, box.right, log), start = x(one ? 1 : lo);
  const marks = [];
  let y = top;
  rows.forEach((row, k) => {
    marks.push(s("rect", {x: 0, y, width, height: heights[k], class: "row" + (k % 2 ? " odd" : "")}), rowLabel(above, names[k], y, heights[k]));
    row.forEach(({i, p}, r) => {
      const middle = y + 4 + (above.over ? 15 : 0) + r * thick + thick / 2, how = howOf(p, i, single), tip = pointTip(single ? "" : series[i].name, names[k], p);
      const far = x(p.y);
      if (one || !log) marks.push(s("rect", {x: Math.min(start, far), width: Math.max(1, Math.abs(far - start)), y: middle - thick / 2 + 1.5, height: thick - 3, class: "bar " + how, "data-tip": tip, "data-fact": p.fact || null}));
      if (p.lo !== undefined && p.hi !== undefined) marks.push(whisker(x(Math.max(p.lo, lo)), x(p.hi), middle, false, how));
      if (log && !one) marks.push(mark(far, middle, i, how, tip, p.fact));
      marks.push(label(Math.max(far, p.hi !== undefined ? x(p.hi) : 0, start) + 6, middle + 4, number(p.y), {class: "value"}));
    });
    levels.forEach((q) => q.points.filter((p) => p.x === k && q.points.length > 1).forEach((p) =>
      marks.push(s("line", {x1: x(p.y), x2: x(p.y), y1: y + 1, y2: y + heights[k] - 1, class: "line level " + q.style, "data-tip": pointTip(q.name, names[k], p)}))));
    y += heights[k];
  });
  const across = levels.filter((q) => q.points.length === 1).map((q) =>
    s("line", {x1: x(q.points[0].y), x2: x(q.points[0].y), y1: top, y2: height, class: "line level " + q.style, "data-tip": pointTip(q.name, "", q.points[0])}));
  return canvas(figure, width, height + 40, marks.filter((m) => m.classList?.contains("row")),
    xAxis(x, box, figure.y.label), one && s("line", {x1: x(1), x2: x(1), y1: top, y2: height, class: "one"}),
    marks.filter((m) => !m.classList?.contains("row")), across);
}

// rowLabels decides where the names of rows stand: to the left, or, if they are long,
// over their rows.
function rowLabels(names, width) {
  const longest = 6.8 * Math.max(...names.map((n) => n.length), 1);
  return longest > width * 0.34 ? {over: true, left: 8} : {over: false, left: longest + 14};
}

function rowLabel(labels, name, y, height) {
  return labels.over ? label(8, y + 14, name, {class: "name"}) : label(labels.left - 8, y + height / 2 + 4, name, {"text-anchor": "end", class: "name"});
}

// drawLines draws values against a number or against ordered categories. A figure with
// style "points" is not joined.
function drawLines(figure, width, axis) {
  const height = Math.round(Math.max(230, Math.min(360, width * 0.5)));
  const box = {left: 52, right: width - 14, top: 22, bottom: height - 42};
  const names = figure.x.categories?.length ? figure.x.categories : null;
  const points = figure.series.flatMap((q) => (isLevel(q) && q.points.length === 1 ? [] : q.points));
  const xs = points.map((p) => p.x).filter((v) => !figure.x.log || v > 0);
  const [low, high] = xs.length ? [Math.min(...xs), Math.max(...xs)] : [0, 1];
  const x = axis?.(box) ?? (names ? scaleOf(-0.4, names.length - 0.6, box.left, box.right)
    : figure.x.log ? scaleOf(low / 1.08, high * 1.08, box.left + 4, box.right - 4, true)
      : scaleOf(figure.x.zero === false ? low : Math.min(0, low), low === high ? high + 1 : high, box.left, box.right - 6));
  const [lo, hi] = extent(figure.series.flatMap((q) => q.points), figure.y.log, figure.y.one ? [1] : [], figure.y.zero);
  const y = scaleOf(lo, hi, box.bottom, box.top, figure.y.log);
  const single = measuredOf(figure).length === 1;
  return canvas(figure, width, height, xAxis(x, box, figure.x.label, names), yAxis(y, box, figure.y.label),
    figure.y.one && s("line", {x1: box.left, x2: box.right, y1: y(1), y2: y(1), class: "one"}),
    figure.series.toReversed().map((q) => drawSeries(figure, q, x, y, box, names, single))); // the first lies on top
}

// seriesColour is the number of a series among the measured ones; of a fit or a level,
// that of the series it belongs to; -1 for no colour.
function seriesColour(figure, series) {
  if (series.plain) return -1;
  const all = measuredOf(figure);
  return all.includes(series) ? all.indexOf(series) : all.findIndex((one) => one.name === (series.of || series.name));
}

const dashOf = (series, i) => (series.style ? series.style : "dash" + (Math.max(0, i) % 4));

function drawSeries(figure, series, x, y, box, names, single) {
  const i = seriesColour(figure, series), how = colour(i);
  const sound = series.points.filter((p) => (!figure.x.log || p.x > 0) && (!figure.y.log || p.y > 0)).toSorted((a, b) => a.x - b.x);
  if (isLevel(series) && sound.length === 1) {
    const v = y(sound[0].y);
    return [s("line", {x1: box.left, x2: box.right, y1: v, y2: v, class: `line level ${series.style}`}), label(box.right - 2, v - 4, series.name, {"text-anchor": "end", class: "name"})];
  }
  const d = sound.map((p, k) => `${k ? "L" : "M"}${x(p.x).toFixed(1)},${y(p.y).toFixed(1)}`).join("");
  const line = series.style !== "points" && sound.length > 1 && s("path", {d, class: `line ${how} ${dashOf(series, i)}`});
  if (series.style && series.style !== "points") return [line];
  const many = sound.length > 40 && series.style !== "points";
  return [line, sound.map((p) => p.lo !== undefined && p.hi !== undefined && whisker(y(Math.max(p.lo, y.lo)), y(p.hi), x(p.x), true, howOf(p, i, single))),
    !many && sound.map((p) => mark(x(p.x), y(p.y), i, howOf(p, i, single), pointTip(series.name, names ? names[p.x] : `${figure.x.label} ${x.text ? x.text(p.x) : number(p.x)}`, p), p.fact))];
}

// drawCurve draws percentiles: 90, 99, 99.9 stand at even steps.
function drawCurve(figure, width) {
  const last = Math.max(99, ...figure.series.flatMap((q) => q.points.map((p) => p.x)).filter((p) => p < 100));
  const depth = (p) => -Math.log10(1 - Math.min(p, 99.9999) / 100);
  const axis = (box) => {
    const at = (p) => box.left + (depth(p) / depth(last)) * (box.right - 8 - box.left);
    return Object.assign(at, {ticks: [0, 50, 75, 90, 99, 99.9, 99.99, 99.999].filter((p) => p <= last && (p !== 75 || width > 420)), text: String});
  };
  return drawLines(figure, width, axis);
}

// drawStack draws the parts of a whole as one row for each category.
function drawStack(figure, width) {
  const names = figure.x.categories, labels = rowLabels(names, width), thick = 22 + (labels.over ? 15 : 0);
  const totals = names.map((_, k) => sum(figure.series.map((q) => q.points.find((p) => p.x === k)?.y ?? 0)));
  const height = 8 + names.length * (thick + 6), box = {left: labels.left, right: width - 62, top: 8, bottom: height};
  const x = scaleOf(0, Math.max(...totals) || 1, box.left, box.right);
  const rows = names.map((name, k) => {
    const y = 8 + k * (thick + 6), top = y + (labels.over ? 15 : 0);
    let from = 0;
    const parts = figure.series.map((q, i) => {
      const p = q.points.find((one) => one.x === k);
      if (!p || p.y <= 0) return null;
      const left = x(from), wide = x(from + p.y) - left;
      from += p.y;
      return [s("rect", {x: left, y: top, width: Math.max(0.5, wide - 1), height: 20, class: `part ${colour(i)}`, "data-tip": pointTip(q.name, `${name} · ${(100 * p.y / totals[k]).toFixed(0)} %`, p), "data-fact": p.fact || null}),
        wide > 7 * q.name.length + 8 && label(left + 4, top + 14, q.name, {class: "inside"})];
    });
    return [rowLabel(labels, name, y, thick), parts, label(x(totals[k]) + 6, top + 14, number(totals[k]), {class: "value"})];
  });
  return canvas(figure, width, height + 40, xAxis(x, box, figure.y.label), rows);
}

// drawHeat is a table whose cells have colours: it is read, printed and opened as one.
function drawHeat(figure) {
  const points = figure.series.flatMap((q) => q.points);
  const most = Math.max(0.2, ...points.filter((p) => p.word === "different").map((p) => Math.abs(Math.log(p.y))));
  const cell = (p) => {
    if (!p) return h("td", {class: "quiet"}, "–");
    const how = standing(p), td = h("td", {class: "heat " + how}, p.fact ? factButton(p.fact) : number(p.y));
    td.style.setProperty("--strength", `${Math.round(8 + 32 * Math.min(1, Math.abs(Math.log(p.y)) / most))}%`);
    return td;
  };
  return h("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": `Heat map ${figure.id.replaceAll("-", " ")}`},
    h("table", {class: "heat"},
      h("thead", {}, h("tr", {}, h("th", {scope: "col"}, [figure.y.label, figure.x.label].filter(Boolean).join(" \\ ")), figure.x.categories.map((c) => h("th", {scope: "col", class: "num"}, c)))),
      h("tbody", {}, figure.y.categories.map((name, row) => h("tr", {}, h("th", {scope: "row"}, name),
        figure.x.categories.map((_, k) => cell(points.find((p) => p.x === k && (p.row ?? 0) === row))))))));
}

// legendFor explains a figure's series; one series that is only points needs none.
function legendFor(figure) {
  if (figure.kind === "heat") return [];
  const ways = new Set(figure.series.flatMap((q) => q.points.map(standing)));
  const entries = figure.series.length === 1 ? [] : figure.series.map((q) => {
    const i = figure.kind === "stack" ? figure.series.indexOf(q) : seriesColour(figure, q);
    const bare = figure.kind === "bars" || figure.kind === "stack" || q.style === "points";
    const how = isLevel(q) ? "level " + q.style : colour(i);
    return [how, q.style && q.style !== "points" ? -1 : q.plain ? 0 : figure.kind === "stack" || figure.kind === "bars" && !figure.y.log ? 1 : i, bare && !isLevel(q) ? null : dashOf(q, i), q.name];
  });
  const told = measuredOf(figure).length === 1 ? ["better", "worse", "neither", "unresolved", "equivalent"] : ["unresolved", "equivalent"];
  entries.push(...told.filter((how) => ways.has(how)).map((how) => [how, 1, null, WORDS[how][1]]));
  return entries.length ? [legendOf(entries)] : [];
}

const DRAW = {bars: drawBars, lines: drawLines, curve: drawCurve, stack: drawStack, heat: drawHeat, waterfall: (figure, width) => drawWaterfall(figure, width)};

// figureView is a chart with its title, caption and the table behind it. tables are
// those of the document that stand with it.
function figureView(figure, tables = []) {
  figure.series ??= [];
  const draw = DRAW[figure.kind];
  const chart = figure.kind === "waterfall" && hasOrders(figure) ? attributionView(figure, tables) : drawn((width) => [draw(figure, width), ...legendFor(figure)]);
  return h("figure", {id: "figure-" + figure.id, class: figure.kind},
    h("h3", {}, figure.title), chart, figure.caption && h("figcaption", {}, figure.caption), figure.kind !== "heat" && dataBehind(figure));
}

// dataBehind is a chart's data as a table, made when it is opened.
function dataBehind(figure) {
  const box = h("details", {class: "behind"}, h("summary", {}, "Data of this chart"));
  box.addEventListener("toggle", () => {
    if (box.open && box.children.length === 1) box.append(tableView("data-" + figure.id, dataTable(figure)));
  });
  return box;
}

// dataTable has a row for each point.
function dataTable(figure) {
  const names = figure.x.categories;
  const bound = (v) => ({text: v === undefined ? "" : number(v), sort: v ?? ""});
  return {
    columns: [{key: "series", title: "series", text: true}, {key: "x", title: figure.x.label || "category", text: !!names}, {key: "y", title: figure.y.label || "value"},
      {key: "lo", title: "95 % from"}, {key: "hi", title: "to"}, {key: "word", title: "word", text: true}],
    rows: figure.series.flatMap((q) => q.points.map((p, k) => ({
      key: q.name + k,
      cells: [{text: q.name}, {text: names ? names[p.x] : number(p.x), sort: names ? names[p.x] : p.x}, p.fact ? {fact: p.fact} : {text: number(p.y), sort: p.y}, bound(p.lo), bound(p.hi), {text: p.word ?? ""}],
    }))),
  };
}
