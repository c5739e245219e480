package plan

import (
	"maps"
	"slices"
	"strings"
)

// View is a question that a plan asks of its run's records: an entry of `report:`. What
// it is made into is package facts' business; here it is read and checked.
type View struct {
	// Kind is one of ViewKinds.
	Kind string
	// ID is unique in the plan, e.g. "sync-policies"; by default the kind, with a number
	// where several share it.
	ID    string
	Title string
	// Doc says in a sentence or two what the question is.
	Doc string

	// Where selects cells: all, if it is empty.
	Where Selector
	// Against selects, for each of them, the cell that it is compared with: it has these
	// properties, and agrees with it in Same or, without that, in everything else.
	Against Selector
	Same    []string
	// Rows are the properties that name a row; those in which the cells differ, if there
	// are none.
	Rows []string
	// Ops are the operation types; all that the cells have, if there are none.
	Ops []string
	// Metrics are shown as levels, Ratios as ratios to the cell of Against.
	Metrics, Ratios []string
	// Figures are drawn of the same cells.
	Figures []FigureSpec

	// X is the property that a sweep goes over, Fit the model that is fitted: "usl".
	X, Fit string
	// Columns is, of a grid, the property whose values are its columns.
	Columns string
	// Blocks is, of an A/A view, the number of blocks of one run.
	Blocks int
	// Limit is the ratio that a view's ratios should keep: 1.02 is "at most 2 % more".
	Limit float64

	Line int // in the plan
}

// viewNeeds are the kinds of views, each with the keys that it cannot do without. A
// text with "|" asks for one of several keys.
var viewNeeds = map[string][]string{
	"cells":       {"metrics|ratios"},
	"effects":     nil,
	"attribution": nil,
	"ladder":      nil,
	"sweep":       {"x", "metrics"},
	"grid":        {"rows", "columns", "metrics|ratios"},
	"capacity":    nil,
	"stages":      nil,
	"openloop":    nil,
	"bounds":      nil,
	"aa":          {"metrics"},
	"ledger":      nil,
}

// ViewKinds are the kinds of views, sorted.
func ViewKinds() []string { return slices.Sorted(maps.Keys(viewNeeds)) }

// FigureSpec is a figure of a view.
type FigureSpec struct {
	Kind   string // FigureBars, FigureLines or FigureHeat
	Metric string
	// Ratio says that the ratio to the cell of Against is drawn, not the level.
	Ratio bool
	X     string   // property along the axis
	Y     string   // of a heat map: the other one
	Lines []string // properties that tell series apart; those that are left, if there are none
	Per   []string // properties of which each combination has a figure of its own
	Log   bool
	Line  int
}

// Kinds of figures that a plan can ask for.
const (
	FigureBars  = "bars"
	FigureLines = "lines"
	FigureHeat  = "heat"
)

// figureNeeds are the kinds of figures with the keys that each needs.
var figureNeeds = map[string][]string{FigureBars: nil, FigureLines: {"x"}, FigureHeat: {"x", "y"}}

// Fits are the models that a sweep can be fitted with.
var Fits = []string{"usl"}

// Properties that a selector can name beside the axes of the plan. Items and rungs are
// those of the plan; the others are what the cell and its load are.
const (
	PropGroup      = "group"
	PropWorkload   = "workload"
	PropTarget     = "target"
	PropDurability = "durability"
	PropOps        = "ops"       // operation types joined by "+": put, get, range, delete in this order
	PropMix        = "mix"       // operation types with their shares in percent: "put:get 5:95"
	PropOperation  = "operation" // of what is shown rather than of a cell: one operation type
	PropItems      = "items"
	PropRung       = "rung"
)

// loadProperties are those of a cell's load.
var loadProperties = []string{
	"clients", "conns", AxisClient, "value_bytes", "key_bytes", "keys", "batch_ops", "loop", "rate", "distribution", AxisAPI, PropMix,
}

// defaultOptions are the values of axes that a cell need not name.
var defaultOptions = map[string]string{AxisMembers: oneMember, AxisStageSample: stageOff}

// Values of PropItems that have a meaning of their own, beside "P1.1" and "P1.1+P1.2".
const (
	ItemsNone   = "none"
	ItemsAll    = "all"
	ItemsAllBut = "all but " // followed by "P1.1" or "P1.1+P1.2"
)

// Selector says which cells are meant: each property has one of the values, or none of
// those that begin with "!". Properties are the axes of the store, those of the load
// (clients, conns, client, value_bytes, key_bytes, keys, batch_ops, loop, rate, ops, mix,
// api, distribution), and group, workload, target, durability, items and rung.
type Selector map[string][]string

// Names are the properties that a selector names, sorted.
func (s Selector) Names() []string { return slices.Sorted(maps.Keys(s)) }

// Matches reports whether the selector means a cell, of which has tells whether a
// property has a value.
func (s Selector) Matches(has func(property, value string) bool) bool {
	for name, values := range s {
		if !matchesAny(values, func(v string) bool { return has(name, v) }) {
			return false
		}
	}
	return true
}

// matchesAny reports whether a property has one of the values and none of those that
// begin with "!"; those alone are enough.
func matchesAny(values []string, has func(string) bool) bool {
	negative, found := 0, false
	for _, v := range values {
		if not, isNot := strings.CutPrefix(v, "!"); isNot {
			negative++
			if has(not) {
				return false
			}
		} else if has(v) {
			found = true
		}
	}
	return found || negative == len(values)
}

// HasItems reports whether a cell has the items that text means, of which on are
// switched on and all are those of its stratum, in the same order.
func HasItems(text string, on, all []string) bool {
	switch text {
	case ItemsNone:
		return len(on) == 0
	case ItemsAll:
		return len(on) == len(all)
	}
	names, but := strings.CutPrefix(text, ItemsAllBut)
	named := strings.Split(names, "+")
	if slices.ContainsFunc(named, func(n string) bool { return !slices.Contains(all, n) }) {
		return false
	}
	return !slices.ContainsFunc(all, func(n string) bool {
		return slices.Contains(on, n) != (slices.Contains(named, n) != but)
	})
}

// Rung is a named point of a plan: cells that match are on it, the first rung that
// matches counts. Claims and ladders speak of rungs.
type Rung struct {
	Name  string
	Where Selector
	Line  int
}

// Asked is all that a plan asks of its records.
type Asked struct {
	Title string
	// Axes are those of the plan's baseline, in its order, with the baseline's values.
	Axes     []string
	Baseline map[string]string
	Views    []View
	Rungs    []Rung
	// Claims are those that runs of the plan bear on.
	Claims []Claim
}
