package member_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/core/member"
)

func started(id uint64, port string) member.Member {
	return member.Member{ID: id, Name: "m" + port, PeerURLs: []string{"http://h:" + port}, Instance: id}
}

// TestLife follows one member from being added to having been removed.
func TestLife(t *testing.T) {
	s := member.NewSet(started(3, "3"), started(1, "1"), started(2, "2"))
	require.Equal(t, []uint64{1, 2, 3}, s.Voters())
	four := member.Member{ID: 4, PeerURLs: []string{"http://h:4"}, Learner: true}

	s, err := s.Apply(member.Change{Op: member.OpAdd, Member: four}, 10)
	require.NoError(t, err)
	require.Equal(t, []uint64{4}, s.Learners())
	s, err = s.Apply(member.Change{Op: member.OpUpdate, Member: started(4, "4")}, 11)
	require.NoError(t, err)
	require.Equal(t, []uint64{4}, s.Learners(), "an update promotes nobody")
	s, err = s.Apply(member.Change{Op: member.OpPromote, Member: member.Member{ID: 4}}, 12)
	require.NoError(t, err)
	require.Equal(t, []uint64{1, 2, 3, 4}, s.Voters())
	m, ok := s.Find(4)
	require.True(t, ok)
	require.Equal(t, "m4", m.Name)
	s, err = s.Apply(member.Change{Op: member.OpRemove, Member: member.Member{ID: 4}}, 13)
	require.NoError(t, err)
	require.Equal(t, uint64(13), s.Index)
	require.True(t, s.WasRemoved(4))

	_, err = s.Apply(member.Change{Op: member.OpAdd, Member: four}, 14)
	require.ErrorIs(t, err, member.ErrRemoved)
	back, err := member.Decode(s.Encode())
	require.NoError(t, err)
	require.Equal(t, s, back)
}

// TestUpdate: two who change different things of a member do not undo each other's
// changes, whatever either of them knew.
func TestUpdate(t *testing.T) {
	s := member.NewSet(started(1, "1"), started(2, "2"))
	for _, by := range []member.Member{{ID: 1, PeerURLs: []string{"http://h:7"}}, {ID: 1, Name: "new", ClientURLs: []string{"http://h:8"}, Instance: 99}} {
		var err error
		s, err = s.Apply(member.Change{Op: member.OpUpdate, Member: by}, 9)
		require.NoError(t, err)
	}
	m, _ := s.Find(1)
	require.Equal(t, member.Member{ID: 1, Name: "new", PeerURLs: []string{"http://h:7"}, ClientURLs: []string{"http://h:8"}, Instance: 99}, m)
	other, _ := s.Find(2)
	require.Equal(t, started(2, "2"), other)
}

// TestRefusals: a change that is refused leaves the set as it was.
func TestRefusals(t *testing.T) {
	s := member.NewSet(started(1, "1"), started(2, "2"))
	withLearner, err := s.Apply(member.Change{Op: member.OpAdd, Member: member.Member{ID: 9, PeerURLs: []string{"http://h:9"}, Learner: true}}, 5)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		set    member.Set
		change member.Change
		want   error
	}{
		"same id":        {s, member.Change{Op: member.OpAdd, Member: started(1, "7")}, member.ErrExists},
		"same url":       {s, member.Change{Op: member.OpAdd, Member: started(7, "1")}, member.ErrURLExists},
		"no url":         {s, member.Change{Op: member.OpAdd, Member: member.Member{ID: 7}}, member.ErrBadURLs},
		"url":            {s, member.Change{Op: member.OpAdd, Member: member.Member{ID: 7, PeerURLs: []string{"h:7"}}}, member.ErrBadURLs},
		"stolen url":     {s, member.Change{Op: member.OpUpdate, Member: started(1, "2")}, member.ErrURLExists},
		"unknown":        {s, member.Change{Op: member.OpRemove, Member: member.Member{ID: 7}}, member.ErrNotFound},
		"a voter":        {s, member.Change{Op: member.OpPromote, Member: member.Member{ID: 1}}, member.ErrNotLearner},
		"second learner": {withLearner, member.Change{Op: member.OpAdd, Member: member.Member{ID: 7, PeerURLs: []string{"http://h:7"}, Learner: true}}, member.ErrTooManyLearners},
		"last voter":     {member.NewSet(started(1, "1"), member.Member{ID: 2, Learner: true}), member.Change{Op: member.OpRemove, Member: member.Member{ID: 1}}, member.ErrNotEnoughStarted},
		"operation":      {s, member.Change{Op: "rename", Member: started(1, "1")}, member.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			after, err := c.set.Apply(c.change, 6)
			require.ErrorIs(t, err, c.want)
			require.Equal(t, c.set, after)
		})
	}
}

// TestCheck: changes that would leave too few started voters are not prudent.
func TestCheck(t *testing.T) {
	waiting := member.Member{ID: 3, PeerURLs: []string{"http://h:3"}}
	four := member.Member{ID: 4, PeerURLs: []string{"http://h:4"}}
	one := member.NewSet(started(1, "1"))
	require.NoError(t, one.Check(member.Change{Op: member.OpAdd, Member: four}))
	three := member.NewSet(started(1, "1"), started(2, "2"), waiting)
	require.ErrorIs(t, three.Check(member.Change{Op: member.OpAdd, Member: four}), member.ErrNotEnoughStarted)
	require.ErrorIs(t, three.Check(member.Change{Op: member.OpRemove, Member: started(1, "1")}), member.ErrNotEnoughStarted)
	require.NoError(t, three.Check(member.Change{Op: member.OpRemove, Member: waiting}))
	four.Learner = true
	require.NoError(t, three.Check(member.Change{Op: member.OpAdd, Member: four}))
}

// TestIDs: ids are etcd's, and one that is added differs from one that was there.
func TestIDs(t *testing.T) {
	// etcd 3.7, membership.NewMember("m", {"http://127.0.0.1:2380"}, "etcd-cluster", nil).
	const url, token = "http://127.0.0.1:2380", "etcd-cluster"
	id := member.InitialID(url, token)
	require.Equal(t, uint64(0xb71f75320dc06a6c), id)
	require.NotEqual(t, id, member.AddedID(url, token, time.Unix(1, 0)))
	require.Equal(t, member.ClusterID([]uint64{1, 2}), member.ClusterID([]uint64{2, 1}))
}

func TestDecodeDamaged(t *testing.T) {
	_, err := member.Decode([]byte("{"))
	require.ErrorIs(t, err, member.ErrCorrupt)
	_, err = member.DecodeChange([]byte("x"))
	require.ErrorIs(t, err, member.ErrCorrupt)
	s, err := member.Decode(nil)
	require.NoError(t, err)
	require.Empty(t, s.Members)
}
