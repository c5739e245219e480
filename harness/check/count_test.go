package check

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// A range of 256 keys, of 100 that are there, is answered with 10 of them.
func TestCountsAreJudged(t *testing.T) {
	for _, tc := range []struct {
		name  string
		mix   map[string]float64
		pairs int
		more  bool
		count int64
		want  string // "": right
	}{
		{"right, nothing writes", map[string]float64{record.OpRange: 1}, 10, true, 100, ""},
		{"whole", map[string]float64{record.OpRange: 1}, 100, false, 100, ""},
		{"one too many, nothing writes", map[string]float64{record.OpRange: 0.5, record.OpGet: 0.5}, 10, true, 101, "said to hold 101 pairs, but 100 were put there"},
		{"who knows, others write", map[string]float64{record.OpRange: 0.5, record.OpPut: 0.5}, 10, true, 101, ""},
		{"who knows, others delete", map[string]float64{record.OpRange: 0.5, record.OpDelete: 0.5}, 10, true, 50, ""},
		{"fewer than shown", map[string]float64{record.OpRange: 0.5, record.OpPut: 0.5}, 10, false, 9, "said to hold 9 pairs, and was answered with 10"},
		{"more than fit", map[string]float64{record.OpRange: 0.5, record.OpPut: 0.5}, 10, true, 257, "a range of 256 keys is said to hold 257 pairs"},
		{"more without more", map[string]float64{record.OpRange: 0.5, record.OpPut: 0.5}, 10, false, 11, "says false to more"},
		{"nothing more", map[string]float64{record.OpRange: 0.5, record.OpPut: 0.5}, 10, true, 10, "says true to more"},
	} {
		w, err := workload.New(record.Workload{
			Name: "test", Type: workload.TypeMixed, API: workload.APIGRPC, Loop: "closed", Clients: 8, Conns: 1, KeyBytes: 8,
			ValueBytes: 32, Keys: 300, PreloadKeys: 100, RangeKeys: 256, RangeLimit: 10, Distribution: workload.Uniform, Mix: tc.mix,
		}, 1)
		require.NoError(t, err)
		m := NewModel(w)
		o := m.Observer(0)
		o.BeginRange(0, 256, 10)
		o.Counted(tc.pairs, tc.more, tc.count)
		answers := m.Answers()
		require.Equal(t, tc.want == "", answers.OK, "%s: %s", tc.name, answers.Detail)
		if tc.want != "" {
			require.Contains(t, answers.Detail, tc.want, tc.name)
		}
	}
}
