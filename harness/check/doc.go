// Package check decides whether a store answered as a linearizable key-value
// store with etcd's revisions must. It sees what clients sent and what came
// back, nothing else.
//
// # How it works
//
// Every acknowledged write carries the revision it was given, and revisions are
// a total order. So the model of a key is one line: its acknowledged write with
// the highest revision.
//
//  1. Each client reports the begin and the end of each operation to an Observer
//     of its own, which updates or consults the Model.
//  2. Each answer is judged when it arrives. Its revision is not below the
//     highest of any answer that came before the operation was sent. A write's revision is
//     a new one. A value that was read verifies from its bytes, is not newer
//     than the answer's revision, and is not older than the key's newest write
//     acknowledged before the read was sent. A key is missing only if a delete
//     explains it.
//  3. At the end of the trial the whole store is read and compared with the
//     model, key by key and by a digest of all keys, values and revisions (Scan).
//  4. The number of writes acknowledged is compared with the number that the
//     store says it applied, and with how far its revision advanced.
//  5. The point operations on a sample of the keys are kept with their times,
//     and each key's history is searched for a linearization (porcupine; Herlihy
//     and Wing, "Linearizability", TOPLAS 1990).
//
// The operations of a batch (Batch) are judged one by one, as operations under way
// at the same time. What a batch promises beside: its writes have consecutive
// revisions in its order, the answer the last of them, and its reads one revision.
//
// A store may say that its reads are stale (AllowStale: --read=serializable in a
// cluster). Of a read is then demanded that its value verifies, is not newer than
// the answer's revision, and is no other write's than its revision says. Its age is
// not judged, a missing key neither, and it is in no history; writes are judged as
// ever.
//
// A write that failed without a clear "did not happen" has an unknown outcome:
// from then on both outcomes are allowed for its key, and for that key alone.
//
// # What it does not see
//
// A store that answers wrongly and repairs itself between two reads of the key
// is caught only if the key is in the sample. Range reads are judged by step 2
// alone. Nothing here is about durability: that takes a crash.
//
// # Cost
//
// Two short critical sections per operation on a lock that is shared by
// PrefixKeys neighbouring keys; no allocation beyond the sample.
package check
