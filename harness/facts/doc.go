// Package facts turns the records of a run into results.json: every number that any
// page, table, figure or sentence shows, with its unit, interval, n, word and where it
// came from. It reads records and never runs a trial.
//
// # Records -> facts -> views
//
//  1. record.ReadRun reads manifest and trials; stats.NewRun indexes them.
//  2. The plan's report (plan.View) says what is asked. Each view builds tables and
//     figures out of facts: levels of a metric in a cell, ratios of two cells, shares.
//  3. Ratios are questions: each belongs to the family of the view that asks first.
//     When all views have asked, every family is judged (infer.Questions), and the
//     words are filled in. A comparison has one interval and one word wherever it
//     stands.
//  4. Claims are judged from the same facts, by the rule in package infer. The answer is
//     the run in at most five lines: what all items make, which made it, what did
//     nothing, the verdicts, what was checked. Overall puts claims of several runs
//     together.
//  5. The Document is written as results.json. Pages, Markdown, the terminal, CSV and
//     figures are made from it alone (package report, package plots): they read no
//     record and compute nothing.
//
// # Addresses
//
// Prose refers to a fact by the place where it stands: VIEW[.TABLE]/ROW/COLUMN, e.g.
// "puts/memory,put50,plan,batch/throughput", or CLAIM[.GOAL] for the headline of a claim
// (Document.At). A number that nobody measured is an error, and one that moved moves in
// the prose.
//
// # Figures
//
// A figure is data, as a table is: its points name facts and have their numbers, filled
// in after judging. What a plan leaves open, such as which properties tell series apart,
// follows from what the cells differ in (builder.apart).
//
// # results.json
//
// The file is one Document as JSON: Document's fields and their comments are its schema,
// whose version is Schema. References are numbers: a fact's id is its place in facts,
// from 1, and 0 is none; cells are places in cells, from 0. A number has six significant
// digits. Read refuses another major version, and reads a newer minor one without the
// fields that it does not know; a new field is a new minor version.
//
// # Invariants
//
//   - Deterministic: the same records give the same bytes; no clock, no randomness.
//   - Different durability tiers and workloads are never ranked together; a share of a
//     ceiling, and the speed of an unsafe log, say what they are.
//   - A smoke run yields levels, and no ratio.
//   - Nothing here knows a plan's, a group's or a claim's name.
package facts
