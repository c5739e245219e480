package capacity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"metastorebench/harness/record"
)

// PlanName is the plan of a run's manifest that holds a Spec as its text.
const PlanName = "capacity"

// Spec is a capacity study: all that its outcome depends on but the
// measurements. Its text form (Encode) is the PlanYAML of the run's manifest.
type Spec struct {
	// Objectives must all be met.
	Objectives []Objective `json:"objectives"`
	Variants   []Variant   `json:"variants"`
	// Workload is what the clients do; its rate is the study's to choose.
	Workload record.Workload `json:"workload"`
	// Repeats trials, or their majority, decide a rate: an odd number.
	Repeats int `json:"repeats"`
	// Blocks is how often the comparison repeats each of its points.
	Blocks int `json:"blocks"`
	// Resolution is how far apart the bracket's ends may be, as a share: 0.05.
	Resolution float64       `json:"resolution"`
	Warmup     time.Duration `json:"warmup_ns"`
	// Measure is the length of a trial's window where the percentiles do not need
	// more; MaxMeasure is the longest that they may ask for.
	Measure    time.Duration `json:"measure_ns"`
	MaxMeasure time.Duration `json:"max_measure_ns"`
	// MinRate, StartRate and MaxRate, in operations per second, say where the
	// search goes and where it begins.
	MinRate   float64 `json:"min_rate"`
	StartRate float64 `json:"start_rate"`
	MaxRate   float64 `json:"max_rate"`
	// Seed decides the order of trials and what clients send.
	Seed uint64 `json:"seed"`
}

// Variant is a store with its options, under a name.
type Variant struct {
	Name    string            `json:"name"`    // e.g. "full"
	Options map[string]string `json:"options"` // value by axis, environment included
}

// The accepted ranges.
const (
	minResolution, maxResolution = 0.01, 0.5
	maxRepeats                   = 99
	// RateBound is the highest rate that a search may go to: beyond what any
	// generator on one machine offers.
	RateBound = 1_000_000
	// patience is how many times the longest limit a window must be, so that a
	// backlog that only grows cannot stay below the limit to the end.
	patience = 10
)

// Validate reports every violation, joined; each wraps ErrSpec or ErrObjective.
func (s Spec) Validate() error {
	var errs []error
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf("%w: %s", ErrSpec, fmt.Sprintf(format, args...)))
		}
	}
	bad(len(s.Objectives) == 0, "no objective; give one such as p99=5ms")
	seen := map[float64]bool{}
	for _, o := range s.Objectives {
		errs = append(errs, o.validate())
		bad(seen[o.Percentile], "two objectives for %s", o.Name())
		bad(s.Measure < patience*o.Limit, "a window of %v is too short for %v; accepted: %d times the limit or more", s.Measure, o, patience)
		seen[o.Percentile] = true
	}
	bad(len(s.Variants) == 0, "no variant")
	names := map[string]bool{}
	for _, v := range s.Variants {
		bad(v.Name == "" || names[v.Name], "variant name %q; accepted: each variant its own, not empty", v.Name)
		names[v.Name] = true
	}
	bad(s.Workload.Mix[record.OpPut] != 1, "workload %q has the mix %v; accepted: puts alone", s.Workload.Name, s.Workload.Mix)
	bad(s.Repeats < 1 || s.Repeats > maxRepeats || s.Repeats%2 == 0, "repeats is %d; accepted: an odd number from 1 to %d, so that a majority exists", s.Repeats, maxRepeats)
	bad(s.Blocks < 1, "blocks is %d; accepted: 1 or more", s.Blocks)
	bad(!(s.Resolution >= minResolution && s.Resolution <= maxResolution), "resolution is %v %%; accepted: %v %% to %v %%", 100*s.Resolution, 100*minResolution, 100*maxResolution)
	bad(s.Warmup < 0, "warm-up is %v; accepted: 0 or more", s.Warmup)
	bad(s.Measure <= 0 || s.MaxMeasure < s.Measure, "a window of %v, at most %v; accepted: more than 0, and no more than the longest", s.Measure, s.MaxMeasure)
	errs = append(errs, s.validateRates())
	return errors.Join(errs...)
}

func (s Spec) validateRates() error {
	if !(s.MinRate > 0 && s.MinRate <= s.StartRate && s.StartRate <= s.MaxRate && s.MaxRate <= RateBound) {
		return fmt.Errorf("%w: rates of %s to %s ops/s, beginning at %s; accepted: above 0, up to %d, the beginning in between", ErrSpec, plain(s.MinRate), plain(s.MaxRate), plain(s.StartRate), RateBound)
	}
	if floor := s.LowestRate(); s.MinRate < floor {
		return fmt.Errorf("%w: at %s ops/s the percentiles need more samples than a window of %v holds; accepted: %s ops/s or more, or a longer window", ErrSpec, plain(s.MinRate), s.MaxMeasure, plain(floor))
	}
	return nil
}

// plain writes a rate or percentage without an exponent.
func plain(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// LowestRate is the rate at which the percentiles need the longest window, in
// operations per second.
func (s Spec) LowestRate() float64 { return math.Ceil(s.arrivals() / s.MaxMeasure.Seconds()) }

// arrivals is the mean number of Poisson arrivals that gives the percentiles
// their samples with hardly an exception: five standard deviations more.
func (s Spec) arrivals() float64 {
	var most float64
	for _, o := range s.Objectives {
		most = max(most, float64(o.samples()))
	}
	return most + 5*math.Sqrt(most) + 25
}

// MeasureFor is the window of a trial at this rate, in operations per second: at
// least Measure, and long enough that pooled trials together have the samples
// that the objectives' percentiles need.
func (s Spec) MeasureFor(rate float64, pooled int) time.Duration {
	const step = 100 * time.Millisecond
	need := time.Duration(s.arrivals() / rate / float64(pooled) * float64(time.Second))
	return max(s.Measure, (need+step-1)/step*step)
}

func (s Spec) bounds() bounds {
	return bounds{min: s.MinRate, start: s.StartRate, max: s.MaxRate, resolution: s.Resolution, repeats: s.Repeats}
}

// Encode is the text form: indented JSON, which is YAML too.
func (s Spec) Encode() ([]byte, error) {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode capacity study: %w", err)
	}
	return append(b, '\n'), nil
}

// DecodeSpec reads what Encode wrote and validates it.
func DecodeSpec(text []byte) (Spec, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var s Spec
	if err := d.Decode(&s); err != nil {
		return Spec{}, fmt.Errorf("%w: %w", ErrSpec, err)
	}
	return s, s.Validate()
}
