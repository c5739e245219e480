package record

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// openTrial is an open-loop trial with these service times and timing errors.
func openTrial(t *testing.T, unsent int64, service, timing []time.Duration) *Trial {
	t.Helper()
	encode := func(values []time.Duration) string {
		h := NewHistogram()
		for _, v := range values {
			require.NoError(t, h.RecordValue(v.Nanoseconds()))
		}
		s, err := EncodeHDR(h)
		require.NoError(t, err)
		return s
	}
	n := int64(len(service))
	return &Trial{
		Workload: Workload{Loop: LoopOpen, Clients: 8, OfferedOpsPerSecond: 100},
		Ops:      []OpStats{{Op: OpPut, Count: n, ServiceHDR: encode(service)}},
		OpenLoop: &OpenLoop{Due: n + unsent, Sent: n, Unsent: unsent, SendLagHDR: encode(timing), TimingErrorHDR: encode(timing)},
	}
}

// times returns n times d, and late times a longer one.
func times(n int, d time.Duration, late int, by time.Duration) (ds []time.Duration) {
	for range n {
		ds = append(ds, d)
	}
	for range late {
		ds = append(ds, by)
	}
	return ds
}

func TestOpenLoopFault(t *testing.T) {
	fast := times(1000, 200*time.Microsecond, 0, 0)
	slow := times(1000, 20*time.Millisecond, 0, 0)
	for name, tc := range map[string]struct {
		trial *Trial
		want  string // "" is none
	}{
		"closed":             {&Trial{}, ""},
		"good":               {openTrial(t, 1, fast, times(991, 50*time.Microsecond, 9, time.Second)), ""},
		"late":               {openTrial(t, 0, fast, times(980, 50*time.Microsecond, 20, 4*time.Millisecond)), "could not keep up: p99 timing error 4.00"},
		"late, slow target":  {openTrial(t, 0, slow, times(980, 50*time.Microsecond, 20, 4*time.Millisecond)), ""},
		"later than target":  {openTrial(t, 0, slow, times(980, 50*time.Microsecond, 20, 30*time.Millisecond)), "limit 20"},
		"one pause of few":   {openTrial(t, 0, fast, times(50, 50*time.Microsecond, 9, time.Second)), ""},
		"saturated":          {openTrial(t, 3, fast, fast), "saturated: 3 of 1003 operations (0.3 %)"},
		"late and saturated": {openTrial(t, 50, fast, slow), "could not keep up"},
		"nothing due":        {openTrial(t, 0, nil, nil), "at 100 operations a second none was due"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.trial.OpenLoopFault()
			require.NoError(t, err)
			if tc.want == "" {
				require.Empty(t, got)
				return
			}
			require.Contains(t, got, tc.want)
		})
	}
}

func TestSaturatedIsNotLate(t *testing.T) {
	trial := openTrial(t, 2, times(998, time.Millisecond, 0, 0), times(998, time.Microsecond, 0, 0))
	require.InDelta(t, 0.002, trial.OpenLoop.UnsentShare(), 1e-12)
	require.True(t, trial.OpenLoop.Saturated())
	l, err := trial.Lateness()
	require.NoError(t, err)
	require.False(t, l.Late())
	require.Equal(t, int64(998), l.Samples)
	require.False(t, (&OpenLoop{}).Saturated())
	trial.OpenLoop.TimingErrorHDR = "damaged"
	_, err = trial.OpenLoopFault()
	require.ErrorIs(t, err, ErrHistogram)
}
