// Package report turns a run's folder into its report. It is the last step of records ->
// facts -> views (package facts): a view is a template over a facts.Document, and
// computes nothing.
//
//	results.json  the facts, from which all others are made
//	report.md     what was asked and what came out, to read
//	report.html   the same, to explore (package page)
//	figures/      each figure as SVG and PNG (package plots)
//
// The document of several runs, EXPERIMENTS.md, is a template too: prose, whose numbers
// are the addresses of facts. A number typed by hand, or one that no run has, is an
// error with its line.
package report
