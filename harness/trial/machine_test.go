package trial

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

const statPage = `cpu  100 10 200 4000 50 3 7 9 20 0
cpu0 50 5 100 2000 25 1 3 4 10 0
intr 12345 0 0
ctxt 777
btime 1700000000
`

const devPage = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
  eth0: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0
    lo:5000 60 0 0 0 0 0 0 7000 60 0 0 0 0 0 0
`

func TestParseMachine(t *testing.T) {
	var m record.Machine
	require.NoError(t, parseMachineStat([]byte(statPage), &m))
	var err error
	m.LoopbackBytes, err = parseLoopback([]byte(devPage))
	require.NoError(t, err)
	require.Equal(t, record.Machine{
		UserSeconds: 1.1, SystemSeconds: 2.1, IdleSeconds: 40, IOWaitSeconds: 0.5, StealSeconds: 0.09,
		ContextSwitches: 777, LoopbackBytes: 7000,
	}, m)
	for _, bad := range []string{"", "cpu 1 2 3\nctxt 1\n", "cpu 1 2 3 4 5 6 7 8\n", "cpu 1 2 3 x 5 6 7 8\nctxt 1\n", "cpu 1 2 3 4 5 6 7 8\nctxt -1\n"} {
		require.ErrorIs(t, parseMachineStat([]byte(bad), &m), ErrProc, bad)
	}
	for _, bad := range []string{"lo: 1 2 3\n", "lo: 0 0 0 0 0 0 0 0 many\n"} {
		_, err := parseLoopback([]byte(bad))
		require.ErrorIs(t, err, ErrProc, bad)
	}
	n, err := parseLoopback([]byte("eth0: 1\n"))
	require.NoError(t, err)
	require.Zero(t, n, "no loopback, no bytes over it")
}

func TestMachineBetween(t *testing.T) {
	before, after := &record.Machine{UserSeconds: 1, IdleSeconds: 9, ContextSwitches: 5}, &record.Machine{UserSeconds: 3, IdleSeconds: 8, ContextSwitches: 6}
	require.Equal(t, &record.Machine{UserSeconds: 2, ContextSwitches: 1}, machineBetween(before, after))
	require.Nil(t, machineBetween(nil, after))
	require.Nil(t, machineBetween(before, nil))
}

func TestMachineMoves(t *testing.T) {
	before, err := readMachine()
	require.NoError(t, err)
	// Work until the counters show it: their unit is 10 ms.
	for busy := 0.0; busy <= 0; {
		require.NotEmpty(t, bytes.Repeat([]byte{1}, 1<<20))
		after, err := readMachine()
		require.NoError(t, err)
		m := machineBetween(before, after)
		busy = m.UserSeconds + m.SystemSeconds
	}
}
