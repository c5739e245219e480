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
//     than the answer's revision, and not older than what was acknowledged of the
//     key, or read, before the read was sent. An answer shows what the store held at
//     its own revision: nothing that is known to have changed the key by then is
//     missing in it. A key is missing only if a delete explains it.
//  3. At the end of the trial the whole store is read and compared with the
//     model, key by key and by a digest of all keys, values and revisions (Scan).
//  4. The number of writes acknowledged is compared with the number that the
//     store says it applied, and with how far its revision advanced.
//  5. Clients contend for a few keys, and the history of each is searched for a
//     linearization (porcupine; Herlihy and Wing, "Linearizability", TOPLAS 1990).
//
// The operations of a batch (Batch) are judged one by one, as operations under way
// at the same time. What a batch promises beside: its writes have consecutive
// revisions in its order, the answer the last of them, and its reads one revision.
//
// A store may say that its reads are stale (AllowStale: --read=serializable in a
// cluster). A read is then judged at its answer's own revision, and its age is not;
// it is in no history. Writes and transactions are judged as ever.
//
// A write that failed without a clear "did not happen" has an unknown outcome:
// from then on both outcomes are allowed for its key, and for that key alone.
//
// # Contended keys
//
// Keys of a workload are many: two clients hardly ever meet on one, and a history
// without a meeting shows nothing. So every trial has a few keys more, behind the
// workload's own, for which clients meet on purpose (load.Contend): puts, gets,
// deletes and transactions that put a key if nobody has changed it meanwhile, over
// the workload's API, in batches and on streams where it has them.
//
// This happens right after the measured window, when all that was measured has been
// answered and before the whole store is read. Inside the window it would have to be
// so rare, in order to move nothing, that a slow store's history stayed empty; it would break windows
// that are a number of operations; and a workload of one client would
// no longer be one. After it, it moves nothing that is measured, and its size does
// not depend on speed: rounds of 6 clients on each of 4 keys, all at once, with
// operations of all types in one round and transactions that all expect the same
// revision in the next; between rounds the keys and their count are read while
// nothing writes. The load on the store is that of 24 clients, not the
// workload's own: what is under way in the window is judged by steps 2 to 4.
//
// Each key has a search, and a budget, of its own. A history that has too few
// operations, or too few of them at the same time as another (MinOps,
// MinConcurrent), is "too few"; one that could not be decided in its budget is
// "undecided"; that of a store with stale reads is "partial". None of them is OK
// (record.CheckState), and none voids the trial's numbers. The axis contend=off
// leaves it out, to see what it costs (plan check-cost).
//
// # Lies
//
// What a store may do wrong, how it is seen, and the check that must fail. Package
// trial tells each of these lies to a whole trial.
//
//	lie                       | seen by                                       | check
//	--------------------------|-----------------------------------------------|------
//	stale read                | a revision below what had been acknowledged   | answers
//	lost update               | no order in which both transactions succeed   | linearizable
//	double apply              | more revisions used than writes acknowledged  | revisions
//	torn batch                | puts of it that are not there at the end      | end-state
//	divided batch             | a gap between its revisions                   | answers
//	dropped delete            | a key that is there at the end                | end-state
//	wrong count               | a count of keys that nobody writes meanwhile  | answers
//	reordered stream          | another key than was asked for                | answers
//	acknowledged, not applied | fewer writes applied than acknowledged        | applied
//	answer of another key     | another key than was asked for                | answers
//	revision that goes back   | a revision below one that had been answered   | answers
//	key forgotten             | a key that was put and that nothing deleted   | answers
//	bit flipped               | a value that does not verify from its bytes   | answers
//
// # What it does not see
//
// An answer that one more write would explain, as long as that write's outcome is
// unknown. A transaction with other comparisons or several operations, or a write
// of a range. Nothing here is about durability: that takes a crash.
//
// # Cost
//
// Two short critical sections per operation on a lock that is shared by
// PrefixKeys neighbouring keys; no allocation. The contended keys take about as long
// as 16 operations one after another of a store with 24 clients.
package check
