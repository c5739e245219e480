// Small helpers to make elements. Text always goes in as text, never as HTML.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// h makes an HTML element: h("td", {class: "num", onclick: f}, "text", element, [more]).
// An attribute that is false, null or undefined is left out, as is such a child.
function h(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

// s makes an SVG element.
function s(name, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((c) => c !== false && c !== null && c !== undefined));
  return element;
}

function button(text, onclick, attributes) {
  return h("button", {type: "button", onclick, ...attributes}, text);
}

// hidden is text for those who listen.
const hiddenText = (text) => h("span", {class: "vh"}, text);

// say tells it to a screen reader, and briefly shows it.
let silence;
function say(text) {
  const said = $("#said");
  said.textContent = text;
  said.classList.add("shown");
  clearTimeout(silence);
  silence = setTimeout(() => said.classList.remove("shown"), 2500);
}

// keepFocus draws anew, and gives the focus back to the element with the same data-key
// or id.
function keepFocus(draw) {
  const had = document.activeElement;
  const key = had?.dataset?.key, id = had?.id, from = had?.selectionStart;
  draw();
  const now = key ? $(`[data-key="${CSS.escape(key)}"]`) : id ? document.getElementById(id) : null;
  if (!now || now === document.activeElement) return;
  now.focus({preventScroll: true});
  if (now.type === "search") now.setSelectionRange(from, from);
}

// renew puts now in old's place, and leaves open what the reader had opened.
function renew(old, now) {
  const open = $$("details", old).map((d) => d.open);
  keepFocus(() => old.replaceWith(now));
  $$("details", now).forEach((d, i) => (d.open = open[i] ?? d.open));
}

const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-");
const sum = (values) => values.reduce((a, b) => a + b, 0);
const range = (n) => Array.from({length: n}, (_, i) => i);

// later calls f once it has not been asked to for some milliseconds.
function later(f, ms) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => f(...args), ms);
  };
}
