package claims

import (
	"testing"

	"metastorebench/harness/infer"

	"github.com/stretchr/testify/require"
)

func TestEveryClaimOfThePlanIsThere(t *testing.T) {
	want := []string{
		"T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8",
		"B1", "B2", "B3", "B4", "B5",
		"P1.1", "P1.2", "P1.3", "P1.4", "P2.1", "P2.2", "P2.3", "P2.4", "P3.1", "P3.2", "P3.3", "P3.4",
		"M1", "M2", "M3", "M4",
	}
	var got []string
	for _, c := range All() {
		got = append(got, c.ID)
	}
	require.Equal(t, want, got)
}

func TestPredictionsAreThePlansOwn(t *testing.T) {
	for _, tc := range []struct {
		id, quantity string
		min, max     float64
	}{
		{"T1", Baseline, 3386, 3386},
		{"T2", Baseline, 4921, 4921},
		{"B1", "share", 50, 70},
		{"P1.1", Effect, 6, 11},
		{"P1.2", Effect, 1.5, 2},
		{"P1.3", Effect, 3, 4},
		{"P1.4", Effect, 1.3, 1.3},
		{"M1", "phase1", 6, 6},
	} {
		c, ok := ByID(tc.id)
		require.True(t, ok, tc.id)
		q, ok := c.Quantity(tc.quantity)
		require.True(t, ok, "%s %s", tc.id, tc.quantity)
		require.Equal(t, []float64{tc.min, tc.max}, []float64{*q.Min, *q.Max}, "%s %s", tc.id, tc.quantity)
	}
	t3, _ := ByID("T3")
	q, _ := t3.Quantity("phase1")
	require.Nil(t, q.Min, "an upper bound alone")
	require.Equal(t, 5.0, *q.Max)
}

func TestEveryItemNamesAnEffect(t *testing.T) {
	for _, c := range All() {
		if c.Kind != KindItem {
			continue
		}
		_, ok := c.Quantity(Effect)
		require.True(t, ok, c.ID)
		require.NotEmpty(t, c.Axis, c.ID)
	}
}

func TestParseNamesEveryViolation(t *testing.T) {
	_, err := Parse([]byte(`
- {id: T1, kind: item, title: a, predicted: b}
- {id: X9, kind: item, title: a, predicted: b}
- {id: P1.1, kind: item, phase: 2, title: "", predicted: b, axis: propose}
- {id: T1, kind: target, title: a, predicted: b, quantities: [{name: x, unit: ms, min: 3, max: 2}, {name: y, unit: ms}]}
`))
	require.ErrorIs(t, err, ErrInvalid)
	for _, want := range []string{
		`claim 1 ("T1"): kind is "item", want "target"`,
		`claim 2 ("X9"): id must look like`,
		`claim 3 ("P1.1"): phase is 2, want 1`,
		`claim 3 ("P1.1"): title and predicted`,
		`claim 3 ("P1.1"): axis, off and on`,
		`claim 4: id "T1" occurs twice`,
		`quantity "x": min 3 above max 2`,
		`quantity "y" has no bound`,
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = Parse([]byte(`- {id: T1, colour: red}`))
	require.ErrorIs(t, err, ErrInvalid)
	require.ErrorContains(t, err, "colour")
}

// TestEveryPredictionCanBeJudged keeps the claims within what the rule defines:
// an effect excludes no effect, a target has one bound.
func TestEveryPredictionCanBeJudged(t *testing.T) {
	for _, c := range All() {
		for _, q := range c.Quantities {
			r := q.Range()
			require.NotEmpty(t, r.String())
			switch {
			case q.Unit == "ratio":
				require.False(t, r.Min <= 1 && r.Max >= 1, "%s %s predicts no effect", c.ID, q.Name)
			case q.Name == Share:
				require.Greater(t, r.Min, infer.Negligible, c.ID)
			}
		}
	}
}
