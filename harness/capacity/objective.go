package capacity

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"metastorebench/harness/metric"
)

// Objective bounds a percentile of the response time, which counts from the
// intended start.
type Objective struct {
	Percentile float64       `json:"percentile"` // one of Percentiles
	Limit      time.Duration `json:"limit_ns"`   // the percentile may be this much, and no more
}

// percentiles are those that an objective may bound.
var percentiles = []float64{50, 75, 90, 95, 99, 99.9, 99.99}

// Percentiles lists the accepted percentiles as an objective names them.
func Percentiles() []string {
	names := make([]string, len(percentiles))
	for i, p := range percentiles {
		names[i] = percentileName(p)
	}
	return names
}

func percentileName(p float64) string { return "p" + plain(p) }

// ParseObjective reads "p99=5ms".
func ParseObjective(s string) (Objective, error) {
	name, limit, ok := strings.Cut(s, "=")
	if !ok {
		return Objective{}, fmt.Errorf("%w %q: accepted: a percentile and a duration, such as p99=5ms", ErrObjective, s)
	}
	i := slices.Index(Percentiles(), strings.TrimSpace(name))
	if i < 0 {
		return Objective{}, fmt.Errorf("%w %q: unknown percentile %q; accepted: %s", ErrObjective, s, name, strings.Join(Percentiles(), ", "))
	}
	d, err := time.ParseDuration(strings.TrimSpace(limit))
	if err != nil {
		return Objective{}, fmt.Errorf("%w %q: %q is no duration; accepted: a number with a unit, such as 5ms or 1s", ErrObjective, s, limit)
	}
	o := Objective{Percentile: percentiles[i], Limit: d}
	return o, o.validate()
}

// The shortest and the longest limit: the resolution and the range of the
// histograms leave room on both sides.
const (
	minLimit = 10 * time.Microsecond
	maxLimit = 10 * time.Second
)

func (o Objective) validate() error {
	if !slices.Contains(percentiles, o.Percentile) {
		return fmt.Errorf("%w: percentile %v; accepted: %s", ErrObjective, o.Percentile, strings.Join(Percentiles(), ", "))
	}
	if o.Limit < minLimit || o.Limit > maxLimit {
		return fmt.Errorf("%w %v: accepted: a limit of %v to %v", ErrObjective, o, minLimit, maxLimit)
	}
	return nil
}

// String is the form that ParseObjective reads.
func (o Objective) String() string { return o.Name() + "=" + o.Limit.String() }

// Name is the percentile's name: "p99.9".
func (o Objective) Name() string { return percentileName(o.Percentile) }

// samples is how many operations the percentile needs in one sample.
func (o Objective) samples() int64 { return metric.MinSamples(o.Percentile) }
