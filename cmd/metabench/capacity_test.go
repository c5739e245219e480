package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/capacity"
	"metastorebench/harness/plan"
	benchrun "metastorebench/harness/run"
	"metastorebench/harness/workload"
)

func TestCapacityTeaches(t *testing.T) {
	out, _, err := metabench("capacity", "--help")
	require.NoError(t, err)
	for _, s := range []string{"--slo p99=5ms --slo p99.9=20ms", "--variant batch:propose=batch", "open loop", "80 %", "--resume"} {
		require.Contains(t, out, s)
	}
}

func TestCapacityRefusals(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for args, want := range map[string]struct {
		is   error
		says string
	}{
		"":                                       {nil, "--slo PERCENTILE=DURATION is missing; for example:\n  metabench capacity --slo p99=5ms"},
		"--slo p98=5ms":                          {capacity.ErrObjective, "p99.9"},
		"--slo p99=5ms --level huge":             {plan.ErrUnknownLevel, "smoke, default, full"},
		"--slo p99=5ms --resolution fine":        {nil, "a percentage such as 5%"},
		"--slo p99=5ms --rate-start 0":           {workload.ErrInvalid, "rate is 0"},
		"--slo p99=5ms --conns 500":              {workload.ErrInvalid, "conns is 500"},
		"--slo p99=5ms":                          {benchrun.ErrNoStore, "make build"},
		"--slo p99=5ms --resume " + none:         {nil, "resume"},
		"--resume " + none:                       {benchrun.ErrResume, "manifest"},
		"--slo p99=5ms --out a --resume " + none: {nil, "none of the others can be"},
	} {
		_, _, err := metabench(append([]string{"capacity", "--metastore", none}, strings.Fields(args)...)...)
		require.ErrorContains(t, err, want.says, args)
		if want.is != nil {
			require.ErrorIs(t, err, want.is, args)
		}
	}
}
