// Package metric is the one registry of what a trial's record can be asked: each
// metric with its name, unit, the direction that is better, whether it is steady, where
// the record has it, and how to read it. Tables, comparisons, the gate, hints, exports,
// claims and figures all take metrics from here by name: a new metric is one entry of
// the list in registry.go.
//
// Nothing is invented for what a record lacks: a Read that finds no counter returns
// false, and the reader prints n/a.
package metric

import (
	"fmt"
	"slices"
	"strings"

	"metastorebench/harness/record"
)

// Direction says which way a metric is better.
type Direction string

// Directions. Neither: it describes how things work, and no change of it is good or
// bad in itself.
const (
	Higher  Direction = "higher"
	Lower   Direction = "lower"
	Neither Direction = "neither"
)

// Summary says how the trials of a cell become one number.
type Summary string

// Summaries.
const (
	// Blocks: the mean over the blocks, on a log scale where all are positive.
	Blocks Summary = "blocks"
	// Sums: the arithmetic mean over the blocks, for parts that add up to a whole.
	Sums Summary = "sums"
	// Merged: a percentile of the histograms of all blocks, merged. Percentiles are
	// never averaged.
	Merged Summary = "merged"
	// Counted: a share of counts that are added up over all trials, void ones too.
	Counted Summary = "counted"
)

// Machine is what a share of the machine is a share of.
type Machine struct {
	CPUs int
	// LoopbackBytesPerSecond is what the loopback probe moved; 0 if it did not run.
	LoopbackBytesPerSecond float64
}

// Func reads one number out of a trial, in the metric's unit; false if the trial does
// not have it.
type Func func(t *record.Trial) (float64, bool)

// Metric is one entry of the registry.
type Metric struct {
	Name   string    // as plans, claims and flags name it: lower case, with underscores
	Title  string    // as a heading shows it, without unit
	Unit   string    // ops/s, ms, us/op, %, bytes/write, ...; "" for a plain number
	Better Direction // which way is for the better
	// Steady says that it is a count, which does not depend on how fast the machine is
	// at the moment.
	Steady bool
	// PerOp says that each operation type has its own.
	PerOp   bool
	Summary Summary
	// Percentile is that of a Merged metric, 0 to 100; Response says that it is of the
	// response time, from the intended start, not of the service time.
	Percentile float64
	Response   bool
	// Source says where the record has it, for the reader who wants to check.
	Source string

	read func(m Machine, op string) Func
}

// Of is the metric for one machine and operation type; op is ignored unless PerOp.
func (m Metric) Of(machine Machine, op string) Func { return m.read(machine, op) }

// Heading is the title with the unit: "p99, ms".
func (m Metric) Heading() string {
	if m.Unit == "" {
		return m.Title
	}
	return m.Title + ", " + m.Unit
}

// All returns the registry in the order in which help and exports list it. The slice
// is shared: read it only.
func All() []Metric { return registry }

// Names lists the names of all metrics.
func Names() []string {
	names := make([]string, len(registry))
	for i, m := range registry {
		names[i] = m.Name
	}
	return names
}

// ByName returns the metric with this name. The error lists those that there are.
func ByName(name string) (Metric, error) {
	if i := slices.IndexFunc(registry, func(m Metric) bool { return m.Name == name }); i >= 0 {
		return registry[i], nil
	}
	return Metric{}, fmt.Errorf("unknown metric %q; accepted: %s", name, strings.Join(Names(), ", "))
}

// Must is ByName for a name that the program itself holds; it panics if there is none.
func Must(name string) Metric {
	m, err := ByName(name)
	if err != nil {
		panic("metric: " + err.Error())
	}
	return m
}
