// Package plots draws a run's figures from its records: latency by percentile,
// latency histograms, throughput bars with every repeat as a dot, the
// mechanism chart, how a gain divides among its items and their interactions,
// and curves of variants over a number. It draws with gonum/plot, in SVG and PNG.
//
// # Invariants
//
//   - A figure is a function of the records: the same records give the same
//     bytes on the same build.
//   - Every axis has a label with its unit; every title names workload, engine,
//     clients, disk and n; legends stand below the axes and cover nothing.
//   - Colours are those of Okabe and Ito, which colour-blind readers can tell
//     apart (Okabe and Ito, Color Universal Design, 2008); no figure relies on
//     colour alone.
//   - An unsafe variant is drawn beside others only where nothing is ranked, and
//     says what it is.
//   - A latency curve ends where fewer than stats.MinBeyond samples lie beyond.
package plots
