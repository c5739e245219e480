package ceiling

import (
	"context"
	"fmt"
	"time"
)

// Effort is how much time a probe takes.
type Effort struct {
	Repeats int           // samples of a probe
	Each    time.Duration // about the length of a repeat
}

// Levels of effort, by the names that plans use.
const (
	LevelSmoke   = "smoke"
	LevelDefault = "default"
	LevelFull    = "full"
)

// efforts by level. With four loads all probes take about 2 s at smoke and 10 s
// otherwise: a longer run does not need longer probes.
var efforts = map[string]Effort{
	LevelSmoke:   {Repeats: 3, Each: 20 * time.Millisecond},
	LevelDefault: {Repeats: 5, Each: 120 * time.Millisecond},
	LevelFull:    {Repeats: 5, Each: 120 * time.Millisecond},
}

// EffortOf returns the effort of a level. The error wraps ErrOptions and lists
// the levels.
func EffortOf(level string) (Effort, error) {
	e, ok := efforts[level]
	if !ok {
		return Effort{}, fmt.Errorf("%w: level %q; accepted: %s, %s, %s", ErrOptions, level, LevelSmoke, LevelDefault, LevelFull)
	}
	return e, nil
}

// task carries out n rounds of work and returns how long they took.
type task func(ctx context.Context, n int) (time.Duration, error)

// repeat calibrates t and returns the nanoseconds per round of each repeat.
func (e Effort) repeat(ctx context.Context, t task) ([]float64, error) {
	n, err := e.calibrate(ctx, t)
	if err != nil {
		return nil, err
	}
	samples := make([]float64, e.Repeats)
	for i := range samples {
		took, err := t(ctx, n)
		if err != nil {
			return nil, err
		}
		samples[i] = float64(took.Nanoseconds()) / float64(n)
	}
	return samples, nil
}

// calibrate returns the number of rounds that fill a repeat. It doubles until
// half of one is full, and goes the rest by proportion.
func (e Effort) calibrate(ctx context.Context, t task) (int, error) {
	for n := 1; ; n *= 2 {
		if err := context.Cause(ctx); err != nil {
			return 0, err
		}
		took, err := t(ctx, n)
		if err != nil {
			return 0, err
		}
		if took >= e.Each/2 {
			return max(1, int(float64(n)*float64(e.Each)/float64(took))), nil
		}
	}
}

// rates turns nanoseconds per round into units per second.
func rates(nsPerRound []float64, perRound int) []float64 {
	out := make([]float64, len(nsPerRound))
	for i, ns := range nsPerRound {
		out[i] = float64(perRound) * 1e9 / ns
	}
	return out
}
