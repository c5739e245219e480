package trial

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/trial/fakestore"
	"metastorebench/harness/workload"
)

// cluster makes a spec's target a cluster of three.
func cluster(s Spec) Spec {
	s.Cell.Options[optionMembers] = "3"
	return s
}

// The fake store replicates nothing. Trials of clusters that do are with the
// programs that make clusters; here is what the harness makes of one that does
// not: it is driven at its leader, and found out.
func TestReplicasThatDifferVoidTheTrial(t *testing.T) {
	s := cluster(spec(t, workload.TypePut, fakestore.FaultNone))
	got, err := Run(t.Context(), s)
	require.NoError(t, err)
	require.Contains(t, got.Void, "check replicas failed: member 1 has ")
	require.Contains(t, got.Void, "member 0 has 0 pairs")
	ok := checks(got)
	require.False(t, ok["replicas"])
	delete(ok, "replicas")
	require.Equal(t, allChecks, ok, "the leader alone is right")
	require.Equal(t, "m1", got.Effective["name"], "the second leads")
	require.NotContains(t, got.Effective, optionMembers)
	require.Empty(t, left(t, s))

	one, err := Run(t.Context(), spec(t, workload.TypePut, fakestore.FaultNone))
	require.NoError(t, err)
	require.Greater(t, 2*got.Store.PeakRSSBytes, 3*one.Store.PeakRSSBytes, "of three processes")
}

func TestClusterCommands(t *testing.T) {
	s := cluster(spec(t, workload.TypePut, fakestore.FaultNone))
	argvs, err := s.commands(t.TempDir())
	require.NoError(t, err)
	require.Len(t, argvs, 3)
	var clusters []string
	for i, argv := range argvs {
		line := strings.Join(argv, " ")
		require.Contains(t, line, "--seed="+string(rune('7'+i)), "each with random choices of its own")
		require.Equal(t, 1, strings.Count(line, "--listen-peer-urls="))
		_, own, found := strings.Cut(line, "--initial-advertise-peer-urls=")
		require.True(t, found)
		require.Contains(t, line, "--listen-peer-urls="+own+" ")
		require.Contains(t, line, "=m"+string(rune('0'+i)))
		_, all, _ := strings.Cut(line, "--initial-cluster=")
		all, _, _ = strings.Cut(all, " ")
		require.Contains(t, all, "m"+string(rune('0'+i))+"="+own)
		clusters = append(clusters, all)
	}
	require.Equal(t, []string{clusters[0], clusters[0], clusters[0]}, clusters)
}

// A member that does not start takes the others with it; a cluster without a
// leader is given up.
func TestClusterThatDoesNotStart(t *testing.T) {
	s := cluster(spec(t, workload.TypePut, fakestore.FaultUnavailable))
	_, err := Run(t.Context(), s)
	require.ErrorIs(t, err, ErrUnavailable)
	require.Empty(t, left(t, s))

	s = cluster(spec(t, workload.TypePut, fakestore.FaultLeaderless))
	gaveUp := errors.New("the test gives up")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Second, gaveUp)
	defer cancel()
	_, err = Run(ctx, s)
	require.ErrorIs(t, err, gaveUp)
	require.Empty(t, left(t, s))
}

// The crash of any member ends the trial, here that of the leader.
func TestCrashOfAMember(t *testing.T) {
	s := cluster(spec(t, workload.TypePut, fakestore.FaultCrash))
	s.Workload.PreloadKeys = 0
	got, err := Run(t.Context(), s)
	require.NoError(t, err)
	require.Contains(t, got.Void, "the target ended by itself: exit status 7")
	require.Equal(t, record.TierSynced, got.Durability)
	require.Empty(t, left(t, s))
}
