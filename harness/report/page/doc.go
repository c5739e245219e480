// Package page writes report.html: one file, without a network, in which a reader
// explores what a run found. It is a view of facts.Document: it computes no estimate.
//
// # How the file comes to be
//
//  1. Write renders page.html (html/template): the run's title, its answer and the
//     ledger stand in the HTML itself, so that they are painted before any script runs.
//  2. The document follows as JSON, compressed and in base64, in two parts: all but the
//     trials, and the trials, which are unpacked when a reader first opens a number. A
//     phase of 180 cells in ten blocks takes about 600 kB.
//  3. The scripts of js/ are joined in the order of scripts. They share one scope as one
//     module: no build step, no framework, and what is committed is what runs.
//
// # Charts
//
// They are drawn as SVG by js/charts.js. The kinds of facts.Figure are six, and what
// they need (intervals, hollow marks for what is not resolved, a percentile axis, a
// waterfall whose items move) no library draws by itself: uPlot has 50 kB and no bars
// with intervals, Plot 200 kB with d3, ECharts 1 MB. Ours are some 400 lines, take
// their colours from the style sheet, so that dark, light and print need no second
// drawing, and the build needs no package manager.
//
// # Invariants
//
//   - The file asks nothing of a network: its Content-Security-Policy allows its own
//     script and style, by their hashes, and nothing else.
//   - What a reader chose (filters, sorting, ticks, an order of items, an open number)
//     is in the address, and an address restores it.
//   - A ratio that is not resolved is grey and hollow, whatever its value.
//   - Behind each chart is a table; everything works by keyboard.
package page
