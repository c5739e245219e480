package propose_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
	"metastorebench/core/propose"
)

// sink keeps answers, each list as it came.
type sink struct{ lists [][]kv.Answer }

func (s *sink) Answered(answers []kv.Answer) {
	s.lists = append(s.lists, append([]kv.Answer(nil), answers...))
}

// submit makes submissions of these sizes, with tokens from first on.
func submit(first uint64, bytes ...int) (submissions []kv.Submission) {
	for i, n := range bytes {
		submissions = append(submissions, kv.Submission{Token: first + uint64(i), Command: put(n)})
	}
	return submissions
}

// TestEachIsItsOwnRequest checks that the commands are put into entries as the
// policy says, in order, and that the answers of one entry come together, each
// with its token.
func TestEachIsItsOwnRequest(t *testing.T) {
	p := propose.New(valueCodec{}, takeTwo{}, limits, origin, nil)
	a, b := &sink{}, &sink{}
	p.DoEach(submit(10, 3, 5, 7), a)
	p.DoEach(submit(20, 11), b)
	<-p.Wake()
	var ids []codec.ProposalID
	for _, bytes := range []int{3 + 5, 7 + 11} {
		entry, sequence, ops, ok := p.Next()
		require.True(t, ok)
		require.Equal(t, 2, ops)
		require.Len(t, entry, codec.HeaderBytes+bytes)
		ids = append(ids, codec.ProposalID{Origin: origin, Sequence: sequence})
	}
	_, _, _, ok := p.Next()
	require.False(t, ok)
	require.Empty(t, a.lists)

	p.Resolve(ids[0], revisions(2, 2), 0)
	p.Resolve(ids[1], revisions(4, 2), 0)
	require.Equal(t, [][]kv.Answer{
		{{Token: 10, Result: kv.Result{Revision: 2}}, {Token: 11, Result: kv.Result{Revision: 3}}},
		{{Token: 12, Result: kv.Result{Revision: 4}}},
	}, a.lists)
	require.Equal(t, [][]kv.Answer{{{Token: 20, Result: kv.Result{Revision: 5}}}}, b.lists)
}

// TestEachIsRefusedByItself checks that a command that is too large, or has no
// room, is refused at once, and what came before it is not; and that room comes
// back.
func TestEachIsRefusedByItself(t *testing.T) {
	limits := limits
	limits.MaxPendingOps = 3
	p := propose.New(valueCodec{}, takeTwo{}, limits, origin, nil)
	s := &sink{}
	p.DoEach(submit(1, 1, limits.MaxRequestBytes+1, 2, 3, 4, 5), s)
	require.Len(t, s.lists, 1)
	require.Len(t, s.lists[0], 3)
	for i, want := range []struct {
		token uint64
		err   error
	}{{2, kv.ErrTooLarge}, {5, kv.ErrTooManyRequests}, {6, kv.ErrTooManyRequests}} {
		require.Equal(t, want.token, s.lists[0][i].Token)
		require.ErrorIs(t, s.lists[0][i].Err, want.err)
	}
	for ops := 3; ops > 0; {
		_, sequence, n, ok := p.Next()
		require.True(t, ok)
		p.Resolve(codec.ProposalID{Origin: origin, Sequence: sequence}, revisions(2, n), 0)
		ops -= n
	}
	s.lists = nil
	p.DoEach(submit(7, 1, 1, 1), s)
	require.Empty(t, s.lists, "there is room again")
}

// TestEachFails checks that every command is answered when its entry fails, and
// when the proposer closes, before and after.
func TestEachFails(t *testing.T) {
	p := propose.New(valueCodec{}, takeTwo{}, limits, origin, nil)
	s, why := &sink{}, errors.New("disk")
	p.DoEach(submit(1, 1, 1, 1, 1), s)
	_, sequence, _, _ := p.Next()
	p.Fail(sequence, kv.ErrDropped)
	p.DoEach(submit(5, 1), s)
	_, _, _, _ = p.Next()
	p.FailInFlight(kv.ErrLeaderLost)
	p.Close(why)
	p.DoEach(submit(6, 1), s)
	var got []kv.Answer
	for _, list := range s.lists {
		got = append(got, list...)
	}
	require.Equal(t, []kv.Answer{
		{Token: 1, Err: kv.ErrDropped}, {Token: 2, Err: kv.ErrDropped},
		{Token: 3, Err: kv.ErrLeaderLost}, {Token: 4, Err: kv.ErrLeaderLost},
		{Token: 5, Err: why}, {Token: 6, Err: why},
	}, got)
}

// TestEachSharesEntriesWithCallers mixes commands with and without a caller.
func TestEachSharesEntriesWithCallers(t *testing.T) {
	p := propose.New(valueCodec{}, takeTwo{}, limits, origin, nil)
	s := &sink{}
	p.DoEach(submit(1, 1), s)
	w := proposeBatch(p, t.Context(), 2)
	_, sequence, _, _ := p.Next()
	p.Resolve(codec.ProposalID{Origin: origin, Sequence: sequence}, revisions(2, 2), 0)
	<-w.done
	require.NoError(t, w.err)
	require.EqualValues(t, 3, w.results[0].Revision)
	require.EqualValues(t, 2, s.lists[0][0].Result.Revision)
}
