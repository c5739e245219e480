package record

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What was never sent, or took longer than a histogram holds, is longer than all
// else: a percentile may not get better by it.
func TestWhatNeverEndedIsInfinite(t *testing.T) {
	ms := times(960, time.Millisecond, 0, 0)
	open := openTrial(t, 30, ms, ms)
	op := &open.Ops[0]
	op.ResponseHDR, op.OutOfRange = op.ServiceHDR, 10

	service, err := op.ServiceTimes()
	require.NoError(t, err)
	require.EqualValues(t, 970, service.TotalCount(), "what was never sent has no service time")
	response, err := open.ResponseTimes(op)
	require.NoError(t, err)
	require.EqualValues(t, 1000, response.TotalCount())
	require.Less(t, response.ValueAtPercentile(95.9), 2*time.Millisecond.Nanoseconds())
	require.GreaterOrEqual(t, response.ValueAtPercentile(96.1), int64(Infinite))
	lag, err := open.OpenLoop.SendLags()
	require.NoError(t, err)
	require.EqualValues(t, 990, lag.TotalCount())
	require.GreaterOrEqual(t, lag.ValueAtPercentile(99), int64(Infinite))

	closed := &Trial{Ops: open.Ops}
	none, err := closed.ResponseTimes(&closed.Ops[0])
	require.NoError(t, err)
	require.Nil(t, none)
	op.ResponseHDR = "nonsense"
	_, err = open.ResponseTimes(op)
	require.ErrorIs(t, err, ErrHistogram)
}
