package kv

import (
	"bytes"
	"errors"
)

// KeyValue is one key with its value and etcd's metadata.
//
// A KeyValue that has been handed to an engine, or received from one, is
// immutable and stays valid for as long as anybody holds it: engines and
// readers share it without copying.
type KeyValue struct {
	Key   []byte
	Value []byte
	// CreateRevision is the revision of the put that created the key.
	CreateRevision int64
	// ModRevision is the revision of the last put of the key.
	ModRevision int64
	// Version counts the puts since the key was created; 1 after creation.
	Version int64
	// Lease is the id of the attached lease, 0 for none.
	Lease int64
}

// Result is what a command did. Exactly the field that matches the command is
// set, unless Err is.
type Result struct {
	// Revision is the store's revision after the command.
	Revision int64
	// Put is set for a PutRequest that asked for prev_kv and had one.
	PrevKV *KeyValue
	Delete *DeleteResult
	Range  *RangeResult
	Txn    *TxnResult
	// Err is one of the sentinels below; the command changed nothing.
	Err error
}

// DeleteResult is the outcome of a DeleteRangeRequest.
type DeleteResult struct {
	Deleted int64
	PrevKVs []*KeyValue
}

// RangeResult is the outcome of a RangeRequest.
type RangeResult struct {
	// KVs holds the pairs in the requested order; values are to be left out of
	// the answer when KeysOnly was asked for.
	KVs []*KeyValue
	// More says that the limit cut the answer short.
	More bool
	// Count is the number of keys in the range, whatever the limit.
	Count int64
}

// TxnResult is the outcome of a TxnRequest: the answers of the branch that ran,
// one per operation, in order.
type TxnResult struct {
	Succeeded bool
	Responses []OpResult
}

// OpResult is one operation's answer within a transaction. The field that
// matches the operation is set; for a put without a previous pair none is.
type OpResult struct {
	PrevKV *KeyValue
	Delete *DeleteResult
	Range  *RangeResult
	Txn    *TxnResult
}

// Errors that say the request cannot be carried out in the store's present
// state. Nothing was changed.
var (
	// ErrCompacted answers a read below the store's revision: only the newest
	// version of a key is kept.
	ErrCompacted = errors.New("required revision has been compacted")
	// ErrFutureRevision answers a read above the store's revision.
	ErrFutureRevision = errors.New("required revision is a future revision")
	// ErrKeyNotFound answers a put with ignore_value or ignore_lease on a key
	// that does not exist.
	ErrKeyNotFound = errors.New("key not found")
	// ErrLeaseNotFound answers a put with a lease id: there are no leases.
	ErrLeaseNotFound = errors.New("requested lease not found")
)

// Errors of the path to the log. ErrTooManyRequests, ErrTooLarge, ErrDropped and
// ErrNotProposed mean that the command did not happen and will not. ErrStopped, ErrLeaderLost,
// ErrOvertaken, ErrTimeout and a context's error mean that the outcome is unknown: the command may have
// been committed, or be committed later.
var (
	// ErrTooManyRequests says that a bounded queue is full.
	ErrTooManyRequests = errors.New("too many requests")
	// ErrTooLarge says that the encoded command exceeds the request bound.
	ErrTooLarge = errors.New("request is too large")
	// ErrDropped says that Raft refused the proposal, usually for want of a
	// leader.
	ErrDropped = errors.New("proposal dropped: no leader")
	// ErrNotProposed says that the caller gave up before the command was handed
	// to Raft.
	ErrNotProposed = errors.New("cancelled before it was proposed")
	// ErrStopped says that the node stopped before the outcome was known.
	ErrStopped = errors.New("node stopped")
	// ErrLeaderLost says that the leader changed before the outcome was known.
	ErrLeaderLost = errors.New("leader changed before the outcome was known")
	// ErrOvertaken says that the member which took the command was too far behind
	// and has gone on from the leader's state, which tells no single outcome.
	ErrOvertaken = errors.New("outcome unknown: the member took over the leader's state before it applied the command")
	// ErrTimeout says that the outcome was not known in time.
	ErrTimeout = errors.New("request timed out")
)

// Unknown reports whether err leaves open if the command took effect.
func Unknown(err error) bool {
	switch {
	case err == nil,
		errors.Is(err, ErrCompacted), errors.Is(err, ErrFutureRevision),
		errors.Is(err, ErrKeyNotFound), errors.Is(err, ErrLeaseNotFound),
		errors.Is(err, ErrTooManyRequests), errors.Is(err, ErrTooLarge),
		errors.Is(err, ErrDropped), errors.Is(err, ErrNotProposed):
		return false
	}
	return true
}

// Bounds returns the half-open interval [start, end) that a key and range_end
// name in etcd's terms, and whether it is the single key itself. An empty end
// of a range means that there is no upper bound.
//
//	range_end      keys
//	empty          the key alone
//	"\x00"         every key >= key
//	otherwise      key <= k < range_end
func Bounds(key, rangeEnd []byte) (start, end []byte, single bool) {
	switch {
	case len(rangeEnd) == 0:
		return key, nil, true
	case len(rangeEnd) == 1 && rangeEnd[0] == 0:
		return key, nil, false
	}
	return key, rangeEnd, false
}

// Contains reports whether k lies in the range that key and rangeEnd name.
func Contains(key, rangeEnd, k []byte) bool {
	start, end, single := Bounds(key, rangeEnd)
	if single {
		return bytes.Equal(start, k)
	}
	return bytes.Compare(k, start) >= 0 && (len(end) == 0 || bytes.Compare(k, end) < 0)
}
