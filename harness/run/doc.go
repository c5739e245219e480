// Package run carries out a plan: it decides what runs when, and keeps what
// came out. What happens inside one trial is package trial's business.
//
// # A run's life
//
//  1. The store's binary is asked for its axes (metastore variants --json), the
//     plan is checked against them, expanded at a level and filtered.
//  2. The run's directory is made, or with Resume reopened; its records are
//     locked against a second process.
//  3. The machine is described and the manifest written: what follows can be
//     understood even if it is cut short. Its ceilings are measured (package
//     ceiling) and added.
//  4. Trials run one after another in the schedule's order. Each record is
//     appended and synced before the next trial starts.
//  5. The manifest gets its finish time. Void trials make the run fail, after
//     all others have run.
//
// A capacity study (Capacity) lives the same life, but for its plan: package
// capacity decides each trial when it has seen the records before, and cells are
// added to the manifest as they come up. To resume is to follow its decisions
// through the records again.
//
// # Invariants
//
//   - A trial is recorded once, or not at all: an interrupted trial leaves
//     nothing, and Resume runs exactly the trials that have no record, and those
//     that were not made: the target did not start, a port was taken, the disk was
//     full (record.Trial.Retry). The newer record stands, both are kept.
//   - A run has one matrix, one seed, one store binary, one build of this program, one
//     machine and one filesystem for the trials' data. Resume refuses if any of them
//     differs, says which, and leaves the run as it was.
//   - The manifest's command makes the run again. A reference run (Options.Reference)
//     can be made again: its builds are of commits without changes. It fails unless
//     every check of every trial has come to a verdict.
//   - A cell that this build or machine cannot run is in the manifest's Skipped
//     with the reason, and still among its Cells.
//   - A trial that fails is recorded as void with the reason, and the run goes
//     on. A start that fails because a port is taken is tried a few times.
//   - A smoke run does not mind how busy the machine is: a window in which nothing
//     ended is made longer, within bounds, and an open loop that was not kept up with
//     leaves a void trial, but does not fail the run.
//
// Everything a trial writes lies in a directory of its own that is removed when
// the run ends; after kill -9 the next Resume removes it.
package run
