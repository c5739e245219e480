// Package trial runs one trial: one sample of one cell.
//
// # A trial
//
//  1. Start: the target is a fresh child process on a fresh directory. It has
//     started when it prints its ready line (package ready). A cell's option
//     "members" asks for a cluster of several, each a process with a directory;
//     clients talk to the member that leads it at the start.
//  2. Make sure that it is empty; preload.
//  3. Warm up, then measure. When the window opens and when it closes, the
//     store's counters (/metrics) and the CPU time of store and client (/proc)
//     are read, which takes milliseconds: these deltas are of a window that lags
//     behind a little.
//  4. Contend: clients meet on a few keys (load.Contend). Nothing of it is measured.
//  5. Check: error rate, every answer, the whole content, revisions, writes
//     acknowledged against writes applied, the contended keys' histories (package
//     check); of a cluster, that all members hold the same.
//  6. Stop the child and remove its directory.
//
// # Invariants
//
//   - The child never outlives the trial: it is killed on every way out, and by
//     the kernel if this process dies.
//   - Every wait has a bound.
//   - An open loop that was not kept up with voids the trial, and the reason
//     tells a saturated target from a late generator (record.OpenLoopFault).
//   - A trial whose numbers must not be used is returned as a record that says
//     why (Void), never as one that looks good.
//
// The target may also be the no-op server of package ceiling, which has nothing
// to check but its answers; a member of etcd v3.7 (harness/peer/etcd), which is
// driven, checked and stopped as our store is, with counters of its own; or an
// etcd v3 endpoint that somebody else started. At the last only keys of the
// workload are read and written, the trial refuses to start if any exists, and
// they are removed at the end. What needs access to the process (CPU, memory,
// counters) is missing from its record.
//
// Linux only: it reads /proc.
package trial
