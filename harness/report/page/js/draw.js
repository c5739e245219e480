// What all charts share: scales, ticks, axes, marks, legends, tips.

// scaleOf maps lo..hi on pixels from..to; with log, both are above 0.
function scaleOf(lo, hi, from, to, log) {
  const f = log ? Math.log : (v) => v;
  const low = f(lo), span = f(hi) - low || 1;
  const at = (v) => from + ((f(v) - low) / span) * (to - from);
  return Object.assign(at, {lo, hi, log, ticks: ticksOf(lo, hi, log, Math.max(2, Math.abs(to - from) / 70))});
}

// ticksOf are round numbers from lo to hi, about as many as asked for.
function ticksOf(lo, hi, log, count) {
  if (log && hi / lo > 3) {
    const decades = range(Math.ceil(Math.log10(hi)) - Math.floor(Math.log10(lo)) + 1).map((k) => 10 ** (k + Math.floor(Math.log10(lo))));
    for (const mantissas of [[1, 2, 3, 5], [1, 2, 5], [1, 3], [1]]) {
      const ticks = decades.flatMap((d) => mantissas.map((m) => m * d)).filter((v) => v >= lo * 0.999 && v <= hi * 1.001);
      if (ticks.length <= count + 1) return ticks;
    }
    const stride = Math.ceil(decades.length / count);
    return decades.filter((v, i) => i % stride === 0 && v >= lo * 0.999 && v <= hi * 1.001);
  }
  const rough = (hi - lo) / count || 1;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((m) => m * unit >= rough) * unit;
  return range(Math.floor((hi - lo) / step + 1e-9) + 2).map((i) => (Math.ceil(lo / step - 1e-9) + i) * step).filter((v) => v <= hi + step * 1e-6);
}

// tickText writes a tick: 0.5, 20, 1,500, 20k, 3M.
function tickText(v) {
  const short = (n, unit) => Number(n.toPrecision(4)).toLocaleString("en-US") + unit;
  if (Math.abs(v) >= 1e6) return short(v / 1e6, "M");
  if (Math.abs(v) >= 1e4) return short(v / 1e3, "k");
  return Number(v.toPrecision(4)).toLocaleString("en-US", {maximumFractionDigits: 6});
}

// extent is the least and greatest of values with their intervals, and of those that
// shall be in sight, with some air.
function extent(points, log, also = [], zero = true) {
  const values = [...points.flatMap((p) => [p.y, p.lo ?? p.y, p.hi ?? p.y]), ...also].filter((v) => Number.isFinite(v) && (!log || v > 0));
  let lo = Math.min(...values), hi = Math.max(...values);
  if (!values.length) [lo, hi] = log ? [0.5, 2] : [0, 1];
  if (log) return lo === hi ? [lo / 1.5, hi * 1.5] : [lo / (hi / lo) ** 0.04, hi * (hi / lo) ** 0.06];
  const air = (hi - lo || Math.abs(hi) || 1) * 0.06;
  if (zero) lo = Math.min(lo, 0);
  return [zero && lo === 0 ? 0 : lo - air, hi + air];
}

// Marks tell series apart where colours do not.
const MARKS = [
  (r) => `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0z`,
  (r) => `M${-r},${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
  (r) => `M0,${-1.2 * r}L${1.2 * r},${r}H${-1.2 * r}z`,
  (r) => `M0,${-1.35 * r}L${1.35 * r},0L0,${1.35 * r}L${-1.35 * r},0z`,
  (r) => `M0,${1.2 * r}L${1.2 * r},${-r}H${-1.2 * r}z`,
  (r) => `M${-r},${-r}L${r},${r}M${-r},${r}L${r},${-r}`,
];
const colour = (i) => (i < 0 ? "plain" : "c" + (i % 8));

function mark(x, y, i, how, tip, fact) {
  return s("path", {d: MARKS[Math.max(0, i) % MARKS.length](4), transform: `translate(${x},${y})`, class: `mark ${how || colour(i)}`, "data-tip": tip, "data-fact": fact || null});
}

// whisker is an interval, along x or y.
function whisker(from, to, across, upright, how) {
  const [a, b] = [Math.min(from, to), Math.max(from, to)], c = 3;
  const d = upright
    ? `M${across},${a}V${b}M${across - c},${a}h${2 * c}M${across - c},${b}h${2 * c}`
    : `M${a},${across}H${b}M${a},${across - c}v${2 * c}M${b},${across - c}v${2 * c}`;
  return s("path", {d, class: "whisker " + how});
}

const label = (x, y, text, attributes) => s("text", {x, y, ...attributes}, text);

// pointTip is what a point says of itself.
function pointTip(name, where, p) {
  const text = p.fact ? factOf(p.fact).text : number(p.y) + (p.lo !== undefined && p.hi !== undefined ? ` [${number(p.lo)}, ${number(p.hi)}]` : "");
  return [name, where, text + (p.word ? ", " + (p.word === "different" && p.better ? p.better : p.word) : "")].filter(Boolean).join(" · ");
}

// xAxis draws the axis below a plot; names are its ticks' texts, if they are no numbers.
function xAxis(x, box, title, names) {
  const ticks = names ? names.map((_, i) => i) : x.ticks;
  const every = names ? Math.ceil((names.length * (7 * Math.max(...names.map((n) => n.length)) + 8)) / (box.right - box.left)) : 1;
  return s("g", {class: "axis"},
    ticks.filter((_, i) => i % every === 0).map((v) => [
      s("line", {x1: x(v), x2: x(v), y1: box.top, y2: box.bottom, class: "rule"}),
      label(x(v), box.bottom + 15, names ? names[v] : x.text ? x.text(v) : tickText(v), {"text-anchor": "middle"})]),
    title && label((box.left + box.right) / 2, box.bottom + 33, title, {"text-anchor": "middle", class: "title"}));
}

function yAxis(y, box, title) {
  return s("g", {class: "axis"},
    y.ticks.map((v) => [
      s("line", {x1: box.left, x2: box.right, y1: y(v), y2: y(v), class: "rule"}),
      label(box.left - 6, y(v) + 4, tickText(v), {"text-anchor": "end"})]),
    title && label(2, 11, title, {class: "title"}));
}

// canvas is an SVG of a size, which says what it is to those who do not see it.
function canvas(figure, width, height, ...children) {
  return s("svg", {viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${figure.title}. The data is in the table below the chart.`}, children);
}

// legendOf lists what is drawn: [class, mark's number or -1, dashed, text].
function legendOf(entries) {
  return h("ul", {class: "legend", "aria-hidden": "true"}, entries.map(([how, i, dash, text]) =>
    h("li", {}, s("svg", {width: 26, height: 12, viewBox: "0 0 26 12"},
      dash !== null && s("line", {x1: 0, x2: 26, y1: 6, y2: 6, class: `line ${how} ${dash}`}),
      i >= 0 && s("path", {d: MARKS[i % MARKS.length](4), transform: "translate(13,6)", class: "mark " + how})), text)));
}

// What redraws when the page's width changes: boxes with a method draw(width).
const drawings = new Set();
addEventListener("resize", later(() => drawings.forEach((d) => (d.box.isConnected ? d.draw() : drawings.delete(d))), 150));

// drawn keeps a box filled with what make(width) draws.
function drawn(make) {
  const box = h("div", {class: "chart"});
  let width = 0;
  const draw = () => {
    const now = Math.round(Math.min(box.clientWidth || 640, 760));
    if (now === width) return;
    width = now;
    box.replaceChildren(...[make(width)].flat());
  };
  box.redraw = () => ((width = 0), draw());
  drawings.add({box, draw});
  requestAnimationFrame(draw);
  return box;
}

// Tips follow the pointer; the same is in the table behind the chart.
function watchTips() {
  const tip = $("#tip");
  addEventListener("pointermove", (e) => {
    const text = e.target.closest?.("[data-tip]")?.dataset.tip;
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const left = Math.min(e.clientX + 14, innerWidth - tip.offsetWidth - 8);
    tip.style.transform = `translate(${Math.max(8, left)}px, ${Math.max(8, e.clientY - tip.offsetHeight - 10)}px)`;
  }, {passive: true});
}
