// The document (facts.Document), and what is looked up in it.

let doc;
let trialsText; // packed, until a number is first opened
let metrics = new Map();

// unpack reads a part of the document out of the page.
async function unpack(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// readDocument takes the document of a page, this one or a newer one of the same run.
async function readDocument(page) {
  const next = await unpack(page.getElementById("packed").textContent);
  for (const key of ["axes", "metrics", "cells", "facts", "views"]) next[key] ??= [];
  doc = next;
  trialsText = page.getElementById("trials").textContent;
  metrics = new Map(doc.metrics.map((m) => [m.name, m]));
}

// withTrials gives the cells their trials.
async function withTrials() {
  if (!trialsText) return;
  const text = trialsText;
  trialsText = "";
  (await unpack(text)).forEach((trials, i) => (doc.cells[i].trials = trials ?? []));
}

const factOf = (id) => doc.facts[id - 1];
const propertyOf = (cell, axis) => (axis === "bounded by" ? cell.bound ?? "" : cell.properties?.[axis] ?? "");
const measured = (cell) => cell.blocks > 0;

// titleOf names a metric, of an operation: "p99 of put (ms)".
function titleOf(key) {
  const [name, op] = key.split(" ");
  const metric = metrics.get(name);
  return (metric?.title ?? name) + (op ? " of " + op : "") + (metric?.unit ? ` (${metric.unit})` : "");
}

// inOrder sorts keys of levels as the registry of metrics has them.
function inOrder(keys) {
  const place = (key) => doc.metrics.findIndex((m) => m.name === key.split(" ")[0]);
  return keys.sort((a, b) => place(a) - place(b));
}

// keyOf is the key of a fact among the levels and values of its cells.
const keyOf = (fact) => (fact.op ? fact.metric + " " + fact.op : fact.metric);

// number writes three significant digits, as package format does.
function number(v) {
  if (!Number.isFinite(v)) return "n/a";
  if (v === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(Number(v.toPrecision(3)))));
  return Number(v.toPrecision(3)).toLocaleString("en-US", {minimumFractionDigits: Math.max(0, 2 - exponent), maximumFractionDigits: Math.max(0, 2 - exponent)});
}

// textOf and sortOf are what a value (facts.Value) shows, and what it is sorted by.
const textOf = (value) => (value.fact ? factOf(value.fact).text : value.text ?? "");

function sortOf(value) {
  if (value.sort !== undefined) return value.sort;
  if (value.fact) return factOf(value.fact).value;
  const n = Number((value.text ?? "").replaceAll(",", ""));
  return value.text && Number.isFinite(n) ? n : value.text ?? "";
}

const missing = (v) => v === "" || v === "n/a";

// compare orders numbers before words, and what is missing last.
function compare(a, b) {
  if (missing(a) || missing(b)) return missing(a) - missing(b);
  if (typeof a === typeof b) return typeof a === "number" ? a - b : a.localeCompare(b, "en", {numeric: true});
  return typeof a === "number" ? -1 : 1;
}

// sorted orders rows by a column, upwards or (by -KEY) downwards; what is missing stays
// last either way.
function sorted(rows, sort, valueOf) {
  if (!sort) return rows;
  const down = sort.startsWith("-"), key = down ? sort.slice(1) : sort;
  return rows
    .map((row, i) => ({row, i, value: valueOf(row, key)}))
    .sort((a, b) => {
      const order = compare(a.value, b.value);
      return (down && !missing(a.value) && !missing(b.value) ? -order : order) || a.i - b.i;
    })
    .map((e) => e.row);
}
