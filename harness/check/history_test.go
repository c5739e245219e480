package check

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/mvccpb"

	"metastorebench/core/client"
	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// contended is a model with a story on its first contended key.
type contended struct {
	*Model
	key  int
	who  int
	next uint64
}

func newContended(t *testing.T) *contended {
	w := newWorkload(t, 4)
	return &contended{Model: NewModel(w), key: w.Keys}
}

func (c *contended) client() *Observer { c.who++; return c.Observer(c.who) }
func (c *contended) id() workload.WriteID {
	c.next++
	return id(c.next)
}
func (c *contended) pair(id workload.WriteID, revision int64) *mvccpb.KeyValue {
	return pair(c.w, c.key, id, revision)
}

// beginPut and its like send an operation and return how it is answered.
func (c *contended) beginPut() (workload.WriteID, func(revision int64, err error)) {
	o, id := c.client(), c.id()
	o.BeginPut(c.key, id)
	return id, o.EndPut
}

func (c *contended) beginSwap(expected int64) (workload.WriteID, func(client.Swapped, error)) {
	o, id := c.client(), c.id()
	o.BeginSwap(c.key, id, expected)
	return id, o.EndSwap
}

func (c *contended) beginGet() func(*mvccpb.KeyValue, int64, error) {
	o := c.client()
	o.BeginGet(c.key)
	return o.EndGet
}

func (c *contended) beginDelete() func(deleted, revision int64, err error) {
	o := c.client()
	o.BeginDelete(c.key)
	return o.EndDelete
}

// Each story begins with a put of revision 2. Those with a reason are such as each
// answer alone allows, and no order explains together.
func TestHistories(t *testing.T) {
	swapped := func(revision int64) client.Swapped { return client.Swapped{OK: true, Revision: revision} }
	for name, tc := range map[string]struct {
		legal bool
		story func(c *contended, first workload.WriteID)
	}{
		"one of two swaps succeeds": {true, func(c *contended, _ workload.WriteID) {
			a, endA := c.beginSwap(2)
			_, endB := c.beginSwap(2)
			endA(swapped(3), nil)
			endB(client.Swapped{Pair: c.pair(a, 3), Revision: 3}, nil)
		}},
		"lost update: both of two swaps succeed": {false, func(c *contended, _ workload.WriteID) {
			_, endA := c.beginSwap(2)
			_, endB := c.beginSwap(2)
			endA(swapped(3), nil)
			endB(swapped(4), nil)
		}},
		"a swap fails though nothing has changed the key": {false, func(c *contended, first workload.WriteID) {
			_, end := c.beginSwap(2)
			end(client.Swapped{Pair: c.pair(first, 2), Revision: 2}, nil)
		}},
		"a swap puts a key that a put beside it may still have had to": {true, func(c *contended, _ workload.WriteID) {
			_, endPut := c.beginPut()
			_, endSwap := c.beginSwap(2)
			endSwap(swapped(3), nil)
			endPut(4, nil)
		}},
		"a swap puts a key that a put had changed before": {false, func(c *contended, _ workload.WriteID) {
			_, endPut := c.beginPut()
			_, endSwap := c.beginSwap(2)
			endPut(3, nil)
			endSwap(swapped(4), nil)
		}},
		"a swap makes a key that a delete took": {true, func(c *contended, _ workload.WriteID) {
			endDelete := c.beginDelete()
			_, endSwap := c.beginSwap(0)
			endDelete(1, 3, nil)
			endSwap(swapped(4), nil)
		}},
		"a swap makes a key that is there": {false, func(c *contended, _ workload.WriteID) {
			_, end := c.beginSwap(0)
			end(swapped(3), nil)
		}},
		"two deletes remove one key": {false, func(c *contended, _ workload.WriteID) {
			a, b := c.beginDelete(), c.beginDelete()
			a(1, 3, nil)
			b(1, 4, nil)
		}},
		"a put of unknown outcome was read": {true, func(c *contended, _ workload.WriteID) {
			lost, end := c.beginPut()
			end(0, errLost)
			c.beginGet()(c.pair(lost, 3), 3, nil)
			_, endSwap := c.beginSwap(3)
			endSwap(swapped(4), nil)
		}},
		"a put of unknown outcome was read, and then the one before": {false, func(c *contended, first workload.WriteID) {
			lost, end := c.beginPut()
			end(0, errLost)
			early, late := c.beginGet(), c.beginGet()
			early(c.pair(lost, 3), 3, nil)
			late(c.pair(first, 2), 2, nil)
			c.beginGet()(c.pair(first, 2), 3, nil)
		}},
		"a swap of unknown outcome did not happen": {true, func(c *contended, first workload.WriteID) {
			_, end := c.beginSwap(2)
			end(client.Swapped{}, errLost)
			c.beginGet()(c.pair(first, 2), 2, nil)
		}},
		"a delete of unknown outcome happened": {true, func(c *contended, _ workload.WriteID) {
			c.beginDelete()(0, 0, errLost)
			c.beginGet()(nil, 3, nil)
			_, endSwap := c.beginSwap(0)
			endSwap(swapped(4), nil)
		}},
		"what was refused did not happen": {true, func(c *contended, first workload.WriteID) {
			_, endPut := c.beginPut()
			endPut(0, errRefused)
			c.beginGet()(c.pair(first, 2), 2, nil)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContended(t)
			first, end := c.beginPut()
			end(2, nil)
			tc.story(c, first)
			got := c.Linearizable(time.Minute)
			require.Equal(t, !tc.legal, got.Failed(), got.Detail)
			if !tc.legal {
				require.Contains(t, got.Detail, "contended key 0: no order of its")
			} else {
				require.True(t, c.Answers().OK, c.Answers().Detail)
			}
		})
	}
}

// turns puts so many operations on every contended key, pairs of them at the same
// time or one after another.
func turns(m *Model, n int, together bool) {
	revision := int64(1)
	for range n / 2 {
		for k := range workload.ContendedKeys {
			a, b := m.Observer(0), m.Observer(1)
			revision += 2
			a.BeginPut(m.w.Keys+k, id(uint64(revision)))
			if !together {
				a.EndPut(revision, nil)
			}
			b.BeginPut(m.w.Keys+k, id(uint64(revision+1)))
			if together {
				a.EndPut(revision, nil)
			}
			b.EndPut(revision+1, nil)
		}
	}
}

// A check that saw too little does not pass, nor does one that had to leave
// something out, nor one that found no time.
func TestHistoriesThatProveNothing(t *testing.T) {
	w := newWorkload(t, 4)
	for _, tc := range []struct {
		name     string
		ops      int
		together bool
		stale    bool
		state    record.CheckState
		says     string
	}{
		{"enough", MinOps, true, false, "", "on each 24 or more by clients, of which 24 or more concurrent"},
		{"none", 0, true, false, record.CheckTooFew, "on each 0 or more by clients"},
		{"few", MinOps - 2, true, false, record.CheckTooFew, "needed: 24 and 12"},
		{"one after another", 2 * MinOps, false, false, record.CheckTooFew, "of which 0 or more concurrent"},
		{"stale reads", MinOps, true, true, record.CheckPartial, "reads left out"},
	} {
		m := NewModel(w)
		if tc.stale {
			m.AllowStale()
		}
		turns(m, tc.ops, tc.together)
		got := m.Linearizable(time.Minute)
		require.Equal(t, tc.state, got.State, tc.name)
		require.Equal(t, tc.state == "", got.OK, tc.name)
		require.False(t, got.Failed(), tc.name)
		require.Contains(t, got.Detail, tc.says, tc.name)
	}
	off := Uncontended("contend=off")
	require.False(t, off.OK || off.Failed())
}

// One history cannot be decided in its time: thirty writes of unknown outcome, and
// a read of none of them, have to be tried in every order. The others are decided
// all the same, and one that is illegal fails.
func TestABudgetForEachKey(t *testing.T) {
	hard := func() *Model {
		m := NewModel(newWorkload(t, 4))
		turns(m, MinOps, true)
		for i := range 30 {
			o := m.Observer(2 + i)
			o.BeginPut(m.w.Keys, id(uint64(1000+i)))
			o.EndPut(0, errLost)
		}
		reader := m.Observer(40)
		reader.BeginGet(m.w.Keys)
		reader.EndGet(pair(m.w, m.w.Keys, id(5000), 5000), 5000, nil)
		return m
	}
	// Years would not be enough for the hard key; the easy ones take microseconds.
	const budget = time.Second
	m := hard()
	got := m.Linearizable(budget)
	require.Equal(t, record.CheckUndecided, got.State)
	require.False(t, got.OK)
	require.Contains(t, got.Detail, "keys [0] not decided within 1s each")

	m = hard()
	last := m.w.Keys + workload.ContendedKeys - 1
	for revision := range int64(2) { // both make a key that is there
		o := m.Observer(50)
		o.BeginSwap(last, id(uint64(2000+revision)), 0)
		o.EndSwap(client.Swapped{OK: true, Revision: 6000 + revision}, nil)
	}
	got = m.Linearizable(budget)
	require.True(t, got.Failed())
	require.Contains(t, got.Detail, "contended key 3")
}
