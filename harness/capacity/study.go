package capacity

import (
	"fmt"
	"math/rand/v2"
	"time"

	"metastorebench/harness/record"
)

// maxUnusable is how many unusable trials in a row end a variant's search: its
// rate cannot be decided here.
const maxUnusable = 3

// Study carries a Spec through: it asks for trials and is told their records. It
// belongs to one goroutine.
type Study struct {
	Spec     Spec
	variants []*variant
	queue    []Ask // asked next, in order
	round    uint64
	order    int // of the next ask
	compared bool
}

// variant is what is known of one variant.
type variant struct {
	*Search
	attempts int    // trials at the present rate, unusable ones included
	unusable int    // of those, the last ones in a row
	limit    string // why the search could not go on
	// missed is the latest reason for a trial that did not meet the objective,
	// missedRate its rate.
	missed     string
	missedRate float64
}

// NewStudy begins a study. The Spec must be valid.
func NewStudy(s Spec) (*Study, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	study := &Study{Spec: s}
	for range s.Variants {
		study.variants = append(study.variants, &variant{Search: newSearch(s.bounds())})
	}
	study.fill()
	return study, nil
}

// Replay takes up a study where its records, in the order in which they were
// made, end. ErrReplay if they are not the answers to its questions.
func Replay(s Spec, trials []record.Trial) (*Study, error) {
	study, err := NewStudy(s)
	if err != nil {
		return nil, err
	}
	for i := range trials {
		if err := study.Tell(&trials[i]); err != nil {
			return nil, err
		}
	}
	return study, nil
}

// Next returns the trial that is wanted now, and false when the study is
// complete. It is the same until Tell.
func (s *Study) Next() (Ask, bool) {
	if len(s.queue) == 0 {
		return Ask{}, false
	}
	a := s.queue[0]
	a.Order = s.order
	return a, true
}

// Tell takes the record of the trial that Next wanted.
func (s *Study) Tell(t *record.Trial) error {
	a, ok := s.Next()
	if !ok {
		return fmt.Errorf("%w: trial of %s, but the study is complete", ErrReplay, t.Cell)
	}
	if want := s.Spec.Cell(a).ID; t.Cell != want || t.Block != a.Block || t.Order != a.Order {
		return fmt.Errorf("%w: trial %d is of %s, block %d; expected %s, block %d as trial %d", ErrReplay, t.Order, t.Cell, t.Block, want, a.Block, a.Order)
	}
	s.order++
	s.queue = s.queue[1:]
	if a.Load == "" {
		j, err := s.Spec.Judge(t)
		if err != nil {
			return err
		}
		s.variants[a.Variant].tell(a.Rate, j)
	}
	s.fill()
	return nil
}

// tell takes one verdict.
func (v *variant) tell(rate float64, j Judgement) {
	v.attempts++
	if j.Verdict == Unusable {
		if v.unusable++; v.unusable == maxUnusable {
			v.limit = fmt.Sprintf("%d unusable trials in a row at %s ops/s: %s", maxUnusable, plain(rate), j.Reason)
			v.stop()
		}
		return
	}
	v.unusable = 0
	if j.Verdict != Met {
		v.missed, v.missedRate = j.Reason, rate
	}
	v.Search.Tell(j.Verdict == Met, j.Verdict == Late)
	if v.rate != rate {
		v.attempts = 0
	}
}

// fill asks for the next round when the last one is over: one trial of every
// search that goes on, or at last the comparison.
func (s *Study) fill() {
	if len(s.queue) > 0 {
		return
	}
	rng := rand.New(rand.NewPCG(s.Spec.Seed, s.round))
	s.round++
	for _, i := range rng.Perm(len(s.variants)) {
		if rate, ok := s.variants[i].Rate(); ok {
			s.queue = append(s.queue, Ask{Variant: i, Rate: rate, Block: s.variants[i].attempts})
		}
	}
	if len(s.queue) == 0 && !s.compared {
		s.compared = true
		s.queue = s.comparison(rng)
	}
}

// Left estimates what is still to come: trials, and the time in their windows
// and warm-ups.
func (s *Study) Left() (trials int, planned time.Duration) {
	for _, v := range s.variants {
		if n := v.left(); n > 0 {
			trials += n
			planned += time.Duration(n) * (s.Spec.Warmup + s.Spec.MeasureFor(v.rate, 1))
		}
	}
	if !s.compared {
		n := s.Spec.Blocks * len(s.variants) * (len(shares) + 1)
		return trials + n, planned + time.Duration(n)*(s.Spec.Warmup+s.Spec.Measure)
	}
	for _, a := range s.queue {
		planned += s.Spec.Warmup + s.Spec.Window(a)
	}
	return len(s.queue), planned
}
