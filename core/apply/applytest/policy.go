package applytest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/apply"
	"metastorebench/core/codec"
	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/wal"
)

// history is an engine that remembers the content after every commit, so that a
// test can restart from any of them.
type history struct {
	engine.Engine // the rest of the seam is not the apply stage's business
	now           *Oracle
	commits       []*Oracle
}

func (h *history) View() engine.View      { return h.now.Clone() }
func (h *history) NewBatch() engine.Batch { return &historyBatch{Oracle: h.now.Clone(), h: h} }

type historyBatch struct {
	*Oracle
	h *history
}

// Commit makes the batch's content the present one.
func (b *historyBatch) Commit(st engine.State) error {
	if err := b.Oracle.Commit(st); err != nil {
		return err
	}
	b.h.now = b.Oracle
	b.h.commits = append(b.h.commits, b.Oracle)
	return nil
}

// answer is one answered command.
type answer struct {
	id  codec.ProposalID
	res kv.Result
}

// RunPolicy is the conformance suite of the axis --apply. Whatever the policy,
// the content, the State and the answers are those of one command after the
// other; callers are answered after the commit that holds their command; and a
// restart from any commit, in the middle of an entry too, ends in the same
// content. c encodes the entries.
func RunPolicy(t *testing.T, p apply.Policy, c codec.Codec) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			log, cmds := randomLog(t, rng, c)
			want := oneByOne(t, cmds)

			h := &history{now: New()}
			answers := applyLog(t, rng, h, p, c, log)
			require.Equal(t, want.Pairs(), h.now.Pairs())
			require.Equal(t, want.State().Revision, h.now.State().Revision)
			require.Equal(t, uint64(len(log)), h.now.State().AppliedIndex)
			require.Zero(t, h.now.State().AppliedOps)
			requireAnswers(t, cmds, answers)

			for _, crashed := range h.commits {
				again := &history{now: crashed.Clone()}
				applyLog(t, rng, again, p, c, log[crashed.State().AppliedIndex:])
				require.Equal(t, want.Pairs(), again.now.Pairs(), "restart from %+v", crashed.State())
				require.Equal(t, h.now.State(), again.now.State())
			}
		})
	}
	t.Run("bounds", func(t *testing.T) {
		for waiting := 1; waiting < 10_000; waiting = waiting*3/2 + 1 {
			n := p.BatchOps(waiting)
			require.GreaterOrEqual(t, n, 1)
			require.LessOrEqual(t, n, waiting)
		}
	})
}

// randomLog returns entries of 0 to 5 commands over few keys, with versions
// that grow, so that a command applied twice or not at all shows.
func randomLog(t *testing.T, rng *rand.Rand, c codec.Codec) ([]wal.Entry, []*kv.Command) {
	var log []wal.Entry
	var all []*kv.Command
	for i := range uint64(30) {
		e := wal.Entry{Index: i + 1, Term: 1 + i/10}
		if n := rng.IntN(6); n > 0 {
			encoded := make([][]byte, n)
			for j := range n {
				cmd := &kv.Command{Put: &kv.PutRequest{Key: []byte{byte('a' + rng.IntN(4))}, Value: []byte(fmt.Sprint(len(all)))}}
				if rng.IntN(4) == 0 {
					cmd = &kv.Command{DeleteRange: &kv.DeleteRangeRequest{Key: []byte{byte('a' + rng.IntN(4))}}}
				}
				var err error
				encoded[j], err = c.AppendCommand(nil, cmd)
				require.NoError(t, err)
				all = append(all, cmd)
			}
			e.Data = codec.AppendEntry(nil, c, codec.ProposalID{Origin: 7, Sequence: i}, encoded)
		}
		log = append(log, e)
	}
	return log, all
}

func oneByOne(t *testing.T, cmds []*kv.Command) *Oracle {
	o := New()
	for _, cmd := range cmds {
		st := o.State()
		_, err := apply.Exec(o, &st, cmd)
		require.NoError(t, err)
		require.NoError(t, o.Commit(st))
	}
	return o
}

// applyLog applies log in runs of random length and returns the answers.
func applyLog(t *testing.T, rng *rand.Rand, h *history, p apply.Policy, c codec.Codec, log []wal.Entry) []answer {
	var answers []answer
	committedOps, answeredOps := 0, 0
	a := apply.NewApplier(apply.Config{
		Engine: h, Decoder: codec.NewDecoder(c), Policy: p,
		OnCommit: func(st engine.State, ops int) {
			require.Equal(t, h.now.State(), st)
			committedOps += ops
		},
		Resolve: func(id codec.ProposalID, results []kv.Result) {
			answeredOps += len(results)
			require.LessOrEqual(t, answeredOps, committedOps, "answered before the commit")
			for _, r := range results {
				answers = append(answers, answer{id, r})
			}
		},
	})
	for len(log) > 0 {
		n := 1 + rng.IntN(len(log))
		require.NoError(t, a.Apply(log[:n]))
		log = log[n:]
	}
	require.Equal(t, committedOps, answeredOps)
	return answers
}

// requireAnswers checks that the answers come in the order of the commands and
// are theirs.
func requireAnswers(t *testing.T, cmds []*kv.Command, answers []answer) {
	require.Len(t, answers, len(cmds))
	o := New()
	for i, cmd := range cmds {
		st := o.State()
		want, err := apply.Exec(o, &st, cmd)
		require.NoError(t, err)
		require.NoError(t, o.Commit(st))
		require.Equal(t, want, answers[i].res, "command %d", i)
		require.Equal(t, uint64(7), answers[i].id.Origin)
	}
}
