// Package claims holds what the MetaStore performance plan predicts, as data:
// claims.yaml, embedded. Reports put these predictions beside measurements. The
// figures are hypotheses to be tested; none of them was measured here.
//
// Ids: T1-T8 targets, B1-B5 shares of a baseline write, P1.1-P3.4 items, M1-M4
// compositions.
package claims

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"sync"

	"metastorebench/harness/infer"

	"gopkg.in/yaml.v3"
)

// ErrInvalid says that a claims file is not well formed. It is wrapped with
// every violation, one a line.
var ErrInvalid = errors.New("claims: invalid file")

// Kinds of claims.
const (
	KindTarget      = "target"      // T: what the store is to reach
	KindLayer       = "layer"       // B: where a baseline write spends its time
	KindItem        = "item"        // P: what one change is to bring, alone
	KindComposition = "composition" // M: how changes add up
)

// Names of quantities that reports look up.
const (
	Effect   = "effect"   // throughput with the item / without it
	Baseline = "baseline" // a target's present value
	Share    = "share"    // percent of a baseline write
)

// Claim is one prediction.
type Claim struct {
	ID   string `yaml:"id"`
	Kind string `yaml:"kind"`
	// Phase is the item's phase, 1 to 3; 0 for the other kinds.
	Phase int    `yaml:"phase,omitempty"`
	Title string `yaml:"title"`
	// Layer is the part of the store that the claim is about.
	Layer string `yaml:"layer,omitempty"`
	// Predicted is the plan's own wording.
	Predicted string `yaml:"predicted"`
	// Engine restricts the claim to one engine; empty means all.
	Engine string `yaml:"engine,omitempty"`
	// Ops are the operation types that the prediction is about, as in
	// record.Trial; empty means puts.
	Ops []string `yaml:"ops,omitempty"`
	// Axis, Off and On say which option of the store the item is, with the
	// baseline's and the item's value; empty for what is no single axis.
	Axis string `yaml:"axis,omitempty"`
	Off  string `yaml:"off,omitempty"`
	On   string `yaml:"on,omitempty"`
	// NotHere says why records of this harness cannot decide the claim; empty if
	// they can.
	NotHere    string     `yaml:"not_here,omitempty"`
	Quantities []Quantity `yaml:"quantities,omitempty"`
}

// Quantity is a predicted range. A missing bound is open.
type Quantity struct {
	Name string   `yaml:"name"`
	Unit string   `yaml:"unit"`
	Min  *float64 `yaml:"min,omitempty"`
	Max  *float64 `yaml:"max,omitempty"`
}

// About reports whether the prediction is about this operation type.
func (c Claim) About(op string) bool {
	if len(c.Ops) == 0 {
		return op == "put"
	}
	return slices.Contains(c.Ops, op)
}

// Quantity returns the quantity with this name, and false if there is none.
func (c Claim) Quantity(name string) (Quantity, bool) {
	for _, q := range c.Quantities {
		if q.Name == name {
			return q, true
		}
	}
	return Quantity{}, false
}

//go:embed claims.yaml
var embedded []byte

var all = sync.OnceValue(func() []Claim {
	cs, err := Parse(embedded)
	if err != nil {
		panic(err) // the embedded file is part of the program; a test reads it
	}
	return cs
})

// All returns every claim in the plan's order. The slice is shared: read it
// only. Safe for concurrent use.
func All() []Claim { return all() }

// ByID returns the claim with this id, and false if there is none.
func ByID(id string) (Claim, bool) {
	for _, c := range All() {
		if c.ID == id {
			return c, true
		}
	}
	return Claim{}, false
}

// Parse reads a claims file and checks it: known fields, unique well-formed
// ids, a kind that fits the id, ordered bounds. Errors: ErrInvalid with all
// violations.
func Parse(text []byte) ([]Claim, error) {
	var cs []Claim
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&cs); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	var bad []string
	seen := map[string]bool{}
	for i, c := range cs {
		if seen[c.ID] {
			bad = append(bad, fmt.Sprintf("claim %d: id %q occurs twice", i+1, c.ID))
		}
		seen[c.ID] = true
		for _, v := range c.violations() {
			bad = append(bad, fmt.Sprintf("claim %d (%q): %s", i+1, c.ID, v))
		}
	}
	if len(bad) > 0 {
		return nil, fmt.Errorf("%w:\n%s", ErrInvalid, strings.Join(bad, "\n"))
	}
	return cs, nil
}

var idForm = regexp.MustCompile(`^([TBM][1-9]|P[1-3]\.[1-9])$`)

// violations lists what is wrong with one claim.
func (c Claim) violations() []string {
	var bad []string
	if !idForm.MatchString(c.ID) {
		return []string{"id must look like T1, B1, P1.1 or M1"}
	}
	kinds := map[byte]string{'T': KindTarget, 'B': KindLayer, 'P': KindItem, 'M': KindComposition}
	if want := kinds[c.ID[0]]; c.Kind != want {
		bad = append(bad, fmt.Sprintf("kind is %q, want %q", c.Kind, want))
	}
	phase := 0
	if c.Kind == KindItem {
		phase = int(c.ID[1] - '0')
	}
	if c.Phase != phase {
		bad = append(bad, fmt.Sprintf("phase is %d, want %d", c.Phase, phase))
	}
	if c.Title == "" || c.Predicted == "" {
		bad = append(bad, "title and predicted must not be empty")
	}
	if n := len(strings.Fields(c.Axis + " " + c.Off + " " + c.On)); n != 0 && n != 3 {
		bad = append(bad, "axis, off and on go together")
	}
	for _, op := range c.Ops {
		if !slices.Contains([]string{"put", "get", "range", "delete"}, op) {
			bad = append(bad, fmt.Sprintf("operation type is %q; accepted: put, get, range, delete", op))
		}
	}
	for _, q := range c.Quantities {
		switch {
		case q.Name == "" || q.Unit == "":
			bad = append(bad, fmt.Sprintf("quantity %q: name and unit must not be empty", q.Name))
		case q.Min == nil && q.Max == nil:
			bad = append(bad, fmt.Sprintf("quantity %q has no bound", q.Name))
		case q.Min != nil && q.Max != nil && *q.Min > *q.Max:
			bad = append(bad, fmt.Sprintf("quantity %q: min %g above max %g", q.Name, *q.Min, *q.Max))
		}
	}
	return bad
}

// Range is the quantity as a prediction; a missing bound is infinite.
func (q Quantity) Range() infer.Range {
	r := infer.Range{Min: math.Inf(-1), Max: math.Inf(1)}
	if q.Min != nil {
		r.Min = *q.Min
	}
	if q.Max != nil {
		r.Max = *q.Max
	}
	return r
}
