package capacity

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
)

// shares of a variant's own capacity at which latency is compared: 50, 70 and
// 90 % for the tables, the others so that a curve shows its knee.
var shares = []float64{0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1, 1.1}

// CommonShare is the common rate of the comparison, as a share of the smallest
// capacity: a rate that every variant meets with room.
const CommonShare = 0.8

// Load names a share of a variant's own capacity: "50%".
func Load(share float64) string { return plain(math.Round(100*share)) + "%" }

// Outcome is what is known of one variant's capacity.
type Outcome struct {
	Variant string
	// Met is the capacity: the highest rate that was decided to meet the
	// objective, in operations per second; 0 if there is none.
	Met float64
	// NotMet is the lowest rate above it that was decided not to; 0 if there is
	// none: the capacity is then Met or more.
	NotMet float64
	// Late says that the generator was late in trials that decided NotMet: the
	// store's own capacity may be higher.
	Late   bool
	Trials int  // decided trials of the search
	Done   bool // the search has ended
	// Limit says why the search ended before it found its bracket, if so.
	Limit string

	missed     string
	missedRate float64
}

// Outcomes returns what is known so far, in the order of the variants.
func (s *Study) Outcomes() []Outcome {
	out := make([]Outcome, len(s.variants))
	for i, v := range s.variants {
		out[i] = Outcome{Variant: s.Spec.Variants[i].Name, Met: v.low, NotMet: v.high, Late: v.highLate, Trials: v.trials, Done: v.done,
			Limit: v.limit, missed: v.missed, missedRate: v.missedRate}
	}
	return out
}

// Err reports the variants whose search has ended without a capacity, joined;
// those without any rate that meets the objective as ErrNothingMeets.
func (s *Study) Err() error {
	var errs []error
	for _, o := range s.Outcomes() {
		switch {
		case !o.Done || o.Met > 0:
		case o.Limit != "":
			errs = append(errs, fmt.Errorf("variant %s: no capacity: %s", o.Variant, o.Limit))
		default:
			errs = append(errs, fmt.Errorf("variant %s: %w: at the lowest rate, %s ops/s, %s; loosen --slo, or lower --rate-min", o.Variant, ErrNothingMeets, plain(o.missedRate), o.missed))
		}
	}
	return errors.Join(errs...)
}

// CommonRate is the absolute rate at which variants are compared, 0 if none has a
// capacity.
func (s *Study) CommonRate() float64 {
	least := 0.0
	for _, v := range s.variants {
		if v.low > 0 && (least == 0 || v.low < least) {
			least = v.low
		}
	}
	if least == 0 {
		return 0
	}
	return tidy(CommonShare * least)
}

// comparison is the schedule of all blocks of the comparison: every load of every
// variant that has a capacity once per block, in a random order.
func (s *Study) comparison(rng *rand.Rand) []Ask {
	var points []Ask
	for i := range s.variants {
		points = append(points, s.Loads(i)...)
	}
	asks := make([]Ask, 0, s.Spec.Blocks*len(points))
	for block := range s.Spec.Blocks {
		for _, i := range rng.Perm(len(points)) {
			a := points[i]
			a.Block = block
			asks = append(asks, a)
		}
	}
	return asks
}

// Loads returns the comparison's points of a variant, by rate within its own
// shares and the common rate last; nil if it has no capacity.
func (s *Study) Loads(variant int) []Ask {
	capacity := s.variants[variant].low
	if capacity == 0 {
		return nil
	}
	var points []Ask
	for _, share := range shares {
		points = append(points, Ask{Variant: variant, Load: Load(share), Rate: tidy(share * capacity)})
	}
	return append(points, Ask{Variant: variant, Load: LoadCommon, Rate: s.CommonRate()})
}

// AtLeast says why the capacity is a lower bound, "" if the bracket is the
// store's own.
func (o Outcome) AtLeast() string {
	switch {
	case o.Met == 0:
		return ""
	case o.Limit != "":
		return o.Limit
	case o.NotMet == 0 && o.Done:
		return "the highest rate that was allowed meets the objective"
	case o.Late:
		return "the generator was late at " + plain(o.NotMet) + " ops/s"
	}
	return ""
}

// String is "12000 ops/s (met) to 12500 (not met)" or "at least 40000 ops/s", with
// the reason.
func (o Outcome) String() string {
	if o.Met == 0 {
		return "none"
	}
	met := plain(o.Met) + " ops/s"
	if why := o.AtLeast(); why != "" {
		return "at least " + met + ": " + why
	}
	if o.NotMet == 0 {
		return met + " and more"
	}
	return met + " (met) to " + plain(o.NotMet) + " (not met)"
}
