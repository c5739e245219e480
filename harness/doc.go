// Package harness holds no code; it is the map of an experiment's life.
//
//  1. plan reads a declarative matrix (YAML), reports every violation with its
//     line, and expands it into cells, blocks and a seeded order. fraction holds
//     the designs for many factors and what each cannot tell apart.
//  2. run describes the machine and measures its ceilings (ceiling), writes the
//     manifest, and takes trial after trial: every cell once per block. What is
//     finished survives an interruption, and the run resumes.
//  3. trial starts a fresh store process on fresh data, preloads it, warms up,
//     measures, checks and stops it (child). One process is one sample.
//  4. load drives the store with the operations of workload, over the wire, in a
//     closed or an open loop, and keeps HdrHistograms; check follows every answer
//     against a model. A failed check voids the trial's numbers and fails the run.
//  5. record is what a trial leaves behind: the only thing that analysis reads.
//  6. stats summarizes records, with warnings; attrib divides a total gain among its
//     causes; claims holds the plan's predictions. Every interval and every word of a
//     verdict is made in one place (infer). report and package plots put them side by
//     side.
//
// One section of the report takes every claim from the run that is about it: items
// from their phase's, targets and phases from plan ladder's.
//
// A capacity study has no plan that is known beforehand: package capacity decides
// each trial from the records so far, in step 2 as in step 6. usl fits
// throughput against clients.
//
// A regression gate (gate) compares two revisions of the store, which revision
// builds: run asks gate block by block what is still undecided.
//
// Steps 1 to 4, capacity and gate apart, never look at results, steps 6 never run a trial: a report can be
// remade from records alone. ceiling also holds the target that does nothing;
// peer/etcd, a module of its own, is a store of others as a target.
package harness
