// Package report turns a run's records into a section of EXPERIMENTS.md and
// its figures. It reads records and never runs a trial, so any section can be
// remade from the results folder alone.
//
// # From records to text
//
//  1. record.ReadRun reads manifest and trials, strictly.
//  2. stats.NewRun indexes them; void trials are taken out and counted.
//  3. Section writes the Markdown: what was run, the answers, the claims ledger
//     (every prediction with its verdict), a table per engine
//     and workload, figures. Summarize writes attribution and ledger for a
//     terminal from the same rows.
//     A folder of Go benchmark output has no manifest: readBench reads it, and
//     benchViews says how each benchmark is shown.
//  4. Splice puts it between the section's markers and leaves every other byte
//     of the document as it was. A section that the document lacks is added in
//     its place.
//
// A plan is reported by its name (kinds): as a phase, as a sweep over one property
// of the load, or as the question of its own that it asks. A phase compares its
// items in the strata that have them; groups of a plan with a name of their own
// (stats.GroupSync and the like) have tables of their own. Section "ledger" is made
// of several runs: every claim from the one that is about it.
//
// # Invariants
//
//   - Deterministic: the same records give the same bytes; there is no clock
//     and no randomness.
//   - Every table says its n, its units and its loop; intervals and ranges are
//     told apart.
//   - A section is made twice: once to ask all comparisons (infer.Questions), then,
//     when their families are judged, to print them. A comparison has one interval
//     and one word in tables, ledger, summary and figures.
//   - Durability tiers are never ranked together: the unsafe log stands apart, and
//     says so.
//   - A smoke run yields no ratio and no comparison.
//   - Skipped cells and void trials are listed with their reasons.
package report
