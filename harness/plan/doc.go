// Package plan turns a declarative experiment (YAML) into a validated matrix of
// cells and a seeded, interleaved schedule of trials. It runs nothing.
//
// # From a plan to trials
//
//  1. Load or Parse reads the YAML and checks it against the axes that the
//     store offers (Catalog). All violations are reported at once, each with
//     file and line (Violations).
//  2. Expand takes a level (smoke, default, full) and multiplies each group's
//     design by its varied axes and its workloads: the Matrix.
//  3. Filter narrows the matrix (--only).
//  4. Schedule repeats the matrix in blocks: every cell once per block, in a
//     seeded random order of its own.
//
// # The file
//
//	name: phase1                     # required
//	title: what it is about          # required
//	baseline: {propose: perop, ...}  # required: every axis with its baseline value
//	full: {propose: batch, ...}      # optional: what design "ends" compares with
//	factors:                         # items that designs switch on, in order
//	  - {id: P1.1, axis: propose, value: batch}
//	  - {id: P3.4, axis: codec, value: wire, with: {pool: "on"}}  # several axes at once
//	workloads:
//	  put50: {type: put, clients: 50, conns: 1, key_bytes: 8, value_bytes: 256,
//	          keys: 100000, distribution: uniform, api: grpc, client: lean}
//	  open50: {type: put, loop: open, rate: 5000, arrivals: poisson, clients: 50,
//	           key_bytes: 8, value_bytes: 256, keys: 100000}
//	  batch50: {type: put, api: batch, batch_ops: 100, clients: 50, key_bytes: 8,
//	           value_bytes: 256, keys: 100000}
//	  put1: {type: put, operations: 500, clients: 1, key_bytes: 8, value_bytes: 256,
//	         keys: 10000}         # the window is 500 operations; measure bounds it
//	  read50: {type: mixed, mix: {get: 1}, clients: 50, key_bytes: 8, value_bytes: 256,
//	           keys: 10000, preload_keys: 10000}
//	groups:
//	  - name: factorial              # required, unique
//	    doc: why it is there
//	    target: metastore            # or noop, etcd, external
//	    designs: [factorial]         # see below
//	    factors: [P1.1, P1.2]        # optional: the factors of its designs; all unless said
//	    set: {wal: perready}         # over the baseline, in every cell
//	    vary: {engine: [pebble, rocksdb]}  # crossed with the design
//	    workloads: [put50, put1]     # required
//	    cells: [{wal: perready}]     # for design "list"
//	levels:
//	  default:
//	    blocks: 3                    # repeats of every cell
//	    warmup: 100ms
//	    measure: 300ms
//	    groups:                      # what differs for single groups
//	      factorial: {designs: [ends], workloads: [put50], vary: {engine: [pebble]}, measure: 1s}
//	      other: {omit: true}
//
// The axis api (unary, batch, stream) is the client's, and so a factor like any other:
// in its cells it decides for workloads over gRPC, and batch_ops is the size of
// the batches. So are conns, the number of the client's connections, and client, what
// makes single calls (grpc-go, or lean at a fraction of the cost); a workload may name
// both by itself. The axis contend (on, off) is the harness's: off leaves out what
// linearizability is checked on.
//
// A run that names no level takes "default", or the only one that the plan has. There
// are at most 10,000 blocks.
//
// # What a plan asks
//
//	rungs:                          # named points; the first that matches counts
//	  - {name: baseline, where: {items: none}}
//	  - {name: phase 1, where: {items: all}}
//	report:                         # questions, in the order of the report
//	  - kind: cells                 # required: see the table below
//	    id: sync                    # unique; by default the kind
//	    title: Sync policies        # required
//	    doc: what the question is, in a sentence or two
//	    where: {group: sync, disk: [native, plan], wal: "!async"}
//	    against: {wal: perready}    # what ratios are to
//	    same: [workload, engine]    # in what both agree; by default in all else
//	    rows: [disk, clients, wal]  # what names a row; by default what differs
//	    ops: [put, get]             # operation types; by default all
//	    metrics: [throughput, p99]  # levels
//	    ratios: [throughput]
//	    limit: 1.02                 # of cells: are ratios at most 2 % worse?
//	    figures:
//	      - {kind: lines, metric: throughput, ratio: true, x: clients, lines: [wal], per: [disk], log: true}
//	claims: metastore               # a built-in file, the path of one, or a list
//
// A selector (where, against) gives each property a value or several; one that begins
// with "!" must not be. Properties are the axes of the plan, and of a cell:
//
//	group, workload, target, durability
//	items        none, all, P1.1, P1.1+P1.2, all but P1.3: of the factors
//	rung         a name of rungs
//	ops          operation types: put, get, put+get, ...
//	mix          the same with shares: put:get 5:95
//	api, clients, conns, client, value_bytes, key_bytes, keys, batch_ops, loop, rate, distribution
//	operation    of rows and figures: one operation type
//
// Kinds of views, with what each needs and takes beside title, doc, where, rows and ops:
//
//	cells        a row for each cell: metrics, ratios with against, figures
//	effects      what each item makes alone and last: metrics
//	attribution  the gain of all items divided among them: metrics
//	ladder       rungs one after another: metrics, ratios, same
//	sweep        metrics by x, a line for each of rows; fit: usl
//	grid         one of ratios or metrics, rows by columns
//	stages       where traced writes spend their time
//	openloop     open loops, by both clocks
//	capacity     what metabench capacity found
//	bounds       what bounded each cell
//	aa           a variant against itself: metrics, by runs of so many blocks
//	ledger       the verdicts of the claims
//
// A plan without report is asked how fast each cell is, what that is beside the
// baseline, what bounded it, and for its verdicts.
//
// # Claims
//
//	claims:
//	  - id: linger                    # required, unique
//	    title: A wait of 1 ms pays    # required
//	    predicted: "at least 1.2x"    # in the words of source
//	    source: a hunch
//	    topic: items                  # a heading of the ledger
//	    from: [phase1]                # of a shared file: the plans that measure it
//	    not_here: why records cannot decide it
//	    both: true                    # one verdict: all goals have to hold
//	    rule: effect                  # see the constants Rule...; effect by default
//	    metric: throughput            # required
//	    op: put
//	    min: 1.2                      # the expectation: min, max, or both
//	    where: {wal-linger: 1ms}      # required
//	    against: {wal-linger: 0s}
//	    same: [workload, engine]
//	    prefer: [{disk: plan}]        # which environment counts: the first that matches
//	    most: clients                 # and of those the one with most of this
//	    also: [{text: "without it %s", where: {...}, against: {...}}]
//	    goals:                        # several: each has what differs from the above
//	      - {name: phase 1, min: 6, where: {rung: phase 1}}
//
// A file of claims is the list alone; a run keeps its text (Plan.ClaimsText).
// What goals share stands in the claim itself; of where, goals add to it. A contrast has
// to match a cell of the plan's largest level, and each cell one to be compared with.
//
// # Designs
//
//	factorial      every subset of the factors: 2^k
//	fractional     for 6 to 10 factors, the smallest standard fraction of 2^(k-p)
//	               subsets of resolution V or more, and all (package fraction)
//	fractional-iv  the same of resolution IV: fewer subsets, and interactions of
//	               two factors that cannot be told apart
//	corners        none, each alone, all but each, all
//	ladder         none, then one more factor at a time, in the plan's order
//	ends           the baseline and the plan's "full", without what belongs to a
//	               factor that the group leaves out
//	list           the group's cells, each a map over the baseline
//	fixed          one point: the baseline with the group's set
//
// A group may name several; a point that two designs share is measured once.
// Groups do not share cells: the same point in two groups is measured in both,
// so that each group can be read on its own.
//
// # Invariants
//
//   - A cell's id depends on the plan alone, not on level, seed or filter:
//     ENGINE[/disk=D][/stage-sample=N]/WORKLOAD[/axis=value,...], naming the
//     axes that the group can vary in the baseline's order. Ids are unique
//     within a plan.
//   - The same plan, level, filter and seed give the same schedule.
//   - Trials of one block and workload share a seed: their clients send the
//     same keys and values, which makes comparisons within a block paired.
package plan
