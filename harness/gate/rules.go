package gate

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"metastorebench/harness/infer"
	"metastorebench/harness/metric"
	"metastorebench/harness/record"
)

// Errors of this package, each wrapped with the values that disagree.
var (
	// ErrRules says that a file of rules is not well formed; wrapped with every
	// violation, one a line.
	ErrRules = errors.New("gate: invalid rules")
	// ErrRecords says that records are not those of a gate.
	ErrRecords = errors.New("gate: records are not of a gate")
	// ErrBaseline says that stored results are no baseline for a run.
	ErrBaseline = errors.New("gate: stored results are no baseline")
	// ErrHistory says that the history of runs cannot be read, extended or used.
	ErrHistory = errors.New("gate: history")
	// ErrTrailer says that a commit accepts a change in a form that is unknown.
	ErrTrailer = errors.New("gate: trailer")
)

// Kinds of gates, by their metrics.
const (
	Steady = "steady" // counts: nearly the same in every trial
	Noisy  = "noisy"  // times
)

// Gate is one metric of one load, with the loss that nobody cares about.
type Gate struct {
	Metric metric.Metric
	Load   string  // a workload of the plan, with one type of operation
	Floor  float64 // relative: 0.05 is 5 %; above 0
}

// Kind is Steady or Noisy.
func (g Gate) Kind() string {
	if g.Metric.Steady {
		return Steady
	}
	return Noisy
}

// Of reads the gate's metric out of a valid trial; false if the trial does not have
// it, or the metric is one of each operation type and there are several.
func (g Gate) Of(t *record.Trial) (float64, bool) {
	if !g.Metric.PerOp {
		return g.Metric.Of(metric.Machine{}, "")(t)
	}
	if len(t.Ops) != 1 {
		return 0, false
	}
	return g.Metric.Of(metric.Machine{}, t.Ops[0].Op)(t)
}

// Name is the gate's name in reports and trailers' shape: metric@load.
func (g Gate) Name() string { return g.Metric.Name + "@" + g.Load }

// Rules are what a gate decides by.
type Rules struct {
	Alpha, Beta float64
	Looks       []float64 // ascending shares of the planned blocks, the last 1
	Gates       []Gate
	Plants      []Plant
	Power       []Plant // of `metabench gate --power`, instead of Plants
	power       bool    // base is head: there is no need of a second pair of that kind
}

//go:embed floors.yaml
var floorsYAML []byte

// DefaultText returns the text of floors.yaml, a fresh copy.
func DefaultText() []byte { return bytes.Clone(floorsYAML) }

// rulesFile is the form of floors.yaml.
type rulesFile struct {
	Alpha float64   `yaml:"alpha"`
	Beta  float64   `yaml:"beta"`
	Looks []float64 `yaml:"looks"`
	Gates []struct {
		Metric string  `yaml:"metric"`
		Load   string  `yaml:"load"`
		Floor  float64 `yaml:"floor"` // percent
	} `yaml:"gates"`
	Plants []Plant `yaml:"plants"`
	Power  []Plant `yaml:"power"`
}

// ParseRules reads rules in the form of floors.yaml. All violations are reported
// at once (ErrRules).
func ParseRules(text []byte) (Rules, error) {
	var f rulesFile
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		return Rules{}, fmt.Errorf("%w: %w", ErrRules, err)
	}
	r := Rules{Alpha: f.Alpha, Beta: f.Beta, Looks: f.Looks, Plants: f.Plants, Power: f.Power}
	faults := r.checkErrors()
	for _, g := range f.Gates {
		m, err := metric.ByName(g.Metric)
		name := g.Metric + "@" + g.Load
		switch {
		case err != nil:
			faults = append(faults, fmt.Sprintf("gate %s: %v", name, err))
		case g.Load == "":
			faults = append(faults, fmt.Sprintf("gate %s: names no load", name))
		case !(g.Floor > 0 && g.Floor < 100):
			faults = append(faults, fmt.Sprintf("gate %s: floor is %v; accepted: above 0 and below 100 percent", name, g.Floor))
		case r.find(g.Metric, g.Load) >= 0:
			faults = append(faults, fmt.Sprintf("gate %s: is there twice", name))
		default:
			r.Gates = append(r.Gates, Gate{Metric: m, Load: g.Load, Floor: g.Floor / 100})
		}
	}
	for _, p := range r.Plants {
		if p.Every != 0 {
			faults = append(faults, fmt.Sprintf("plant %q: has every; accepted: under power only, since every run tests itself", p.Name))
		}
	}
	for _, p := range slices.Concat(r.Plants, r.Power) {
		if p.Every < 0 {
			faults = append(faults, fmt.Sprintf("plant %q: every is %d; accepted: 1 or more", p.Name, p.Every))
		}
		if p.Name == "" || r.find(p.Metric, p.Load) < 0 {
			faults = append(faults, fmt.Sprintf("plant %q: is to be found in %s@%s, which is no gate", p.Name, p.Metric, p.Load))
		}
		if p.Floors < 0 {
			faults = append(faults, fmt.Sprintf("plant %q: floors is %v; accepted: above 0", p.Name, p.Floors))
		}
	}
	if len(r.Gates) == 0 && len(faults) == 0 {
		faults = append(faults, "no gates")
	}
	if len(faults) > 0 {
		return Rules{}, fmt.Errorf("%w:\n%s", ErrRules, strings.Join(faults, "\n"))
	}
	return r, nil
}

// checkErrors says what is wrong with the rates and the looks.
func (r Rules) checkErrors() (faults []string) {
	for _, rate := range []struct {
		name  string
		value float64
	}{{"alpha", r.Alpha}, {"beta", r.Beta}} {
		if !(rate.value > 0 && rate.value < 0.5) {
			faults = append(faults, fmt.Sprintf("%s is %v; accepted: above 0 and below 0.5", rate.name, rate.value))
		}
	}
	ascending := slices.IsSorted(r.Looks) && len(slices.Compact(slices.Clone(r.Looks))) == len(r.Looks)
	if n := len(r.Looks); n == 0 || !ascending || !(r.Looks[0] > 0) || r.Looks[n-1] != 1 {
		faults = append(faults, fmt.Sprintf("looks are %v; accepted: ascending shares of the blocks, above 0, the last 1", r.Looks))
	}
	return faults
}

// find returns the index of a gate, or -1.
func (r Rules) find(metric, load string) int {
	return slices.IndexFunc(r.Gates, func(g Gate) bool { return g.Metric.Name == metric && g.Load == load })
}

// loads are those of the gates.
func (r Rules) loads() (all []string) {
	for _, g := range r.Gates {
		if !slices.Contains(all, g.Load) {
			all = append(all, g.Load)
		}
	}
	return all
}

// ForPower returns the rules with the faults of the power study, and without the
// comparison of head with itself: base is head there.
func (r Rules) ForPower() Rules {
	r.Plants, r.Power, r.power = r.Power, nil, true
	return r
}

// Planted returns the rules without the faults of which there is no build.
func (r Rules) Planted(arms []record.Arm) Rules {
	r.Plants = slices.DeleteFunc(slices.Clone(r.Plants), func(p Plant) bool {
		return !slices.ContainsFunc(arms, func(a record.Arm) bool { return a.Name == p.arm() })
	})
	return r
}

// Narrow returns the rules for a plan with these loads: gates and plants of others
// are left out, and so are noisy ones if only the steady are wanted. An error,
// which wraps ErrRules, says that nothing is left.
func (r Rules) Narrow(loads []string, steadyOnly bool) (Rules, error) {
	n := Rules{Alpha: r.Alpha, Beta: r.Beta, Looks: r.Looks, power: r.power}
	for _, g := range r.Gates {
		if slices.Contains(loads, g.Load) && (g.Metric.Steady || !steadyOnly) {
			n.Gates = append(n.Gates, g)
		}
	}
	for _, p := range r.Plants {
		if n.find(p.Metric, p.Load) >= 0 {
			n.Plants = append(n.Plants, p)
		}
	}
	if len(n.Gates) == 0 {
		return n, fmt.Errorf("%w: no gate is about a load of the plan; its loads are %s", ErrRules, strings.Join(loads, ", "))
	}
	return n, nil
}

// FirstLook is the number of blocks, of so many planned, after which the first
// verdicts can come; 0 if there are too few.
func (r Rules) FirstLook(planned int) int {
	if looks := infer.NewLooks(r.Looks, planned, r.Alpha, r.Beta).Blocks(); len(looks) > 0 {
		return looks[0]
	}
	return 0
}
