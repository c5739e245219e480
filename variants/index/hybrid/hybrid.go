// Package hybrid is the value `hybrid` of the axis --index: the map of `lockfree`
// for point reads beside the tree of `btree` for ranges. Every write goes to both.
//
// With n keys stored, a point read costs O(1) and takes no lock. A range of k
// pairs costs O(log n + k) in either direction and a Count of m keys a walk,
// O(log n + m), as in `btree`. A write costs the sum of both, O(log n), and every
// pair is indexed twice. So the value differs from `btree` in point reads, and
// from `lockfree` in ranges, and in what writes pay for both.
//
// # Atomicity
//
// The tree is changed before the map, and a view may read either while a batch is
// between the two. It is nevertheless of one version whichever it reads: package
// versioned says how, and why no reader can see an older value in one after a
// newer one in the other.
//
// # Locks
//
// Point reads wait for nobody. A range shares the tree's lock for at most as many
// pairs as package ordered says, and Commit takes it exclusively while it changes
// the tree. The waits for this lock are what is reported.
package hybrid

import (
	"time"

	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/btree"
	"metastorebench/variants/index/lockfree"
	"metastorebench/variants/index/versioned"
)

// New returns an empty index. If onLockWait is not nil it is called, from many
// goroutines, with each time that a range or a commit had to wait for the lock of
// the tree.
func New(onLockWait func(wait time.Duration)) memory.Index {
	return versioned.New(versioned.Parts{
		Table:   lockfree.NewTable,
		Ordered: func() memory.Index { return btree.New(onLockWait) },
	})
}
