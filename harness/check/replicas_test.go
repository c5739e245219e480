package check

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

func TestReplicas(t *testing.T) {
	w := newWorkload(t, 300)
	content := func(revision int64, pages ...[]*mvccpb.KeyValue) Content {
		c := Content{Revision: revision}
		for _, page := range pages {
			c.Add(page)
		}
		return c
	}
	a, b := pair(w, 5, id(1), 2), pair(w, 6, id(2), 3)
	first := content(3, []*mvccpb.KeyValue{a}, []*mvccpb.KeyValue{b})
	same := Replicas([]Content{first, content(3, []*mvccpb.KeyValue{a}, []*mvccpb.KeyValue{b})})
	require.True(t, same.OK)
	require.Contains(t, same.Detail, "2 members with 2 pairs, digest ")
	for name, other := range map[string]Content{
		"a pair less":      content(3, []*mvccpb.KeyValue{a}, nil),
		"another write":    content(3, []*mvccpb.KeyValue{a}, []*mvccpb.KeyValue{pair(w, 6, id(3), 3)}),
		"another revision": content(3, []*mvccpb.KeyValue{a}, []*mvccpb.KeyValue{pair(w, 6, id(2), 4)}),
		"further on":       content(4, []*mvccpb.KeyValue{a}, []*mvccpb.KeyValue{b}),
		"other order":      content(3, []*mvccpb.KeyValue{b}, []*mvccpb.KeyValue{a}),
		"nothing":          content(3),
	} {
		c := Replicas([]Content{first, first, other})
		require.False(t, c.OK, name)
		require.Contains(t, c.Detail, "member 2 has ", name)
	}
}
