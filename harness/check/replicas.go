package check

import (
	"fmt"

	"github.com/cespare/xxhash/v2"
	"go.etcd.io/etcd/api/v3/mvccpb"

	"metastorebench/harness/record"
)

// Content stands for all pairs that one member of a cluster holds. The zero value
// is empty. One goroutine owns it.
type Content struct {
	// Revision is the store's when the pairs were read.
	Revision int64
	pairs    int64
	digest   uint64
}

// Add adds the next pairs, in key order.
func (c *Content) Add(pairs []*mvccpb.KeyValue) {
	d := xxhash.NewWithSeed(c.digest) // of what came before
	for _, pair := range pairs {
		hashPair(d, pair.Key, pair.Value, pair.ModRevision)
	}
	c.pairs += int64(len(pairs))
	c.digest = d.Sum64()
}

// String is the same for equal contents that were added in equal pages.
func (c Content) String() string {
	return fmt.Sprintf("%d pairs, digest %016x, at revision %d", c.pairs, c.digest, c.Revision)
}

// Replicas compares what the members of a cluster hold, which must be the same
// when no write is under way.
func Replicas(members []Content) record.Check {
	for i, m := range members {
		if m != members[0] {
			return failed("replicas", "member %d has %v, member 0 has %v", i, m, members[0])
		}
	}
	return record.Check{Name: "replicas", OK: true, Detail: detail("%d members with %v", len(members), members[0])}
}
