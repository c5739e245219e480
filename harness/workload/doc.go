// Package workload turns a record.Workload and a seed into the operations, keys
// and values of a trial. It knows nothing of the network or of time.
//
// # What happens with a workload
//
//  1. Validate names everything that is wrong with the parameters, at once.
//  2. New fixes the key space, the chooser of keys and the roles of clients.
//  3. Each client walks its own Stream: an endless, deterministic sequence of
//     operations that depends on the seed and the client's number alone, never
//     on timing or on another client.
//     With the API "batch" each step of a Stream is the operations of one call:
//     BatchOps of one type. Types that take turns on a key take turns on the keys
//     of a call.
//  4. In an open loop, Lanes share one sequence of Arrivals among their clients:
//     intended starts with constant or exponential gaps (Poisson arrivals), from
//     the seed alone. Which client takes which operation depends on who is free.
//  5. Key and value bytes are appended into the caller's buffers.
//  6. Whoever reads a value back proves it from the bytes alone (Verify): which
//     key, which writer, which of the writer's writes, and that no bit differs.
//
// # Invariants
//
//   - Keys have exactly KeyBytes bytes and values exactly ValueBytes.
//   - Key order in bytes is index order, and all keys that share the first
//     KeyBytes-1 bytes (at most PrefixKeys) form one prefix.
//   - No two writes of a trial have the same value.
//   - Nothing on the hot path allocates.
package workload
