// Package core holds no code; it is the map of the store that every variant
// shares. Each stage is a package below, and each seam with more than one value
// is an interface in the package that uses it.
//
// # Write path
//
//  1. api decodes and validates the request, which grpc-go has received, or api/lean;
//     nothing of it is done if any of it is wrong.
//  2. propose encodes the command on the caller's goroutine (seam: codec.Codec), or
//     takes the request's own bytes for it (codec.Passer, codec/wireform),
//     admits it to a queue bounded in commands and bytes, or refuses at once. The
//     commands of a batch stay together from here to one log entry, and are
//     answered together.
//  3. raftnode, one goroutine, takes what waits whenever the log behind it is
//     free and proposes it as log entries (seam: propose.Policy).
//  4. The Raft library hands back a Ready. Entries that were committed before go
//     to the apply stage; messages go to the peers (transport).
//  5. wal appends the new entries and syncs (seam: wal.Policy, on a vfs.FS that
//     may stand for another device): in the Raft loop, or behind it, so that the
//     loop goes on meanwhile. How many appends are in flight to a follower is
//     another seam (raftnode.Pipeline).
//  6. Once committed, entries go to the apply stage, one goroutine, which decodes
//     them and carries them out in engine batches (seam: apply.Policy), each
//     committed together with the applied index (seam: engine.Engine).
//  7. The caller is answered with the result and the revision.
//
// # Read path
//
//  1. api decodes and validates. A read that is not serializable asks raftnode
//     for the commit index (seam: raftnode.ReadPolicy). All reads that arrive
//     meanwhile share the question (ReadIndex); or a lease answers it for a while;
//     or, where reads may be stale, nobody is asked.
//  2. When the apply stage has passed that index, the read runs on a consistent
//     view of the engine.
//
// # Clusters
//
// Every member takes writes and reads. The library forwards a write to the leader
// as its entry, with the request's id, so that the member which took it also
// answers it, when it has applied it; if the leader changes first, or the member takes
// over the leader's state meanwhile, the outcome is unknown (kv.ErrLeaderLost,
// kv.ErrOvertaken). transport delivers a message at most once, so that
// no forwarded write is carried out twice. Who belongs to the cluster (member) is
// part of the state that the log makes. A member that is too far behind gets the
// engine's state as a file, and the log goes on behind that.
//
// # Bounding the log
//
// After enough entries or bytes, node takes a snapshot of the engine, or flushes
// one that persists, and the log behind it is dropped.
//
// # Invariants
//
//   - Acknowledged means: in the synced log of a majority, and applied. Only
//     --wal=async breaks this; it is marked unsafe wherever it shows.
//   - Every queue is bounded; a full one refuses or pushes back.
//   - A failed sync, a failed batch or a corrupt entry stops the node for good.
//   - Engine data and applied index are committed together, so that a restart
//     applies each command exactly once.
//   - Keys and values are bytes everywhere.
//   - Who owns a buffer or an object that is used again is written down in recycle.
//
// # Who knows whom
//
//	node -> api, raftnode, apply, propose, engine, wal, metrics, transport, member
//	raftnode -> propose, wal, member    (the only importer of the Raft library)
//	apply -> engine, codec, wal
//	propose -> codec, trace
//	api -> apply, engine, trace, member
//	api, wal -> plant   (a leaf: faults for tests of the regression gate, constants of no effect in any usual build)
//	metrics -> trace    (a leaf: sampled stage times of writes)
//	all -> kv
package core
