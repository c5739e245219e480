package check

import (
	"math"

	"go.etcd.io/etcd/api/v3/mvccpb"

	"metastorebench/core/client"
	"metastorebench/harness/workload"
)

// Observer follows one client, whose operations come one after another. It
// belongs to one goroutine. Each Begin is followed by its End.
type Observer struct {
	m      *Model
	client int
	totals Totals

	// The operation under way.
	key    int
	put    workload.WriteID
	newest int64    // highest revision in any answer when it was sent
	floor  keyState // what was known of the key when it was sent
	hist   *history // the key's, nil if it is not contended
	call   int64    // when it was sent, if it is
	swap   int64    // the revision that a swap expects
	// floors are what was known of the keys of a range, of the first ones only if
	// it is long and limited; reused.
	floors []keyState
	first  int
	count  int
}

// Observer returns a new observer. The client number tells clients apart in
// histories.
func (m *Model) Observer(client int) *Observer {
	o := &Observer{m: m, client: client}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.observers = append(m.observers, o)
	return o
}

func (o *Observer) begin(key int, deleting int32) {
	m := o.m
	o.key, o.newest = key, m.newest.Load()
	l := m.lock(key)
	o.floor = m.keys[key]
	m.keys[key].deleting += deleting
	l.Unlock()
	if o.hist = m.history(key); o.hist != nil {
		o.call = m.now()
	}
}

// BeginPut says that write id is about to be sent.
func (o *Observer) BeginPut(key int, id workload.WriteID) {
	o.put = id
	o.begin(key, 0)
}

// EndPut reports the put's answer.
func (o *Observer) EndPut(revision int64, err error) {
	defer o.endWrite(err, operation{kind: put, id: o.put, revision: revision})
	if err != nil {
		if client.Unknown(err) {
			o.m.unknown(o.put)
		}
		return
	}
	o.acknowledged(revision)
}

// acknowledged notes a put that was carried out.
func (o *Observer) acknowledged(revision int64) {
	o.totals.Acknowledged++
	o.totals.Effective++
	o.written(revision, o.put)
	o.m.raise(revision)
}

// BeginSwap says that a put of the key by write id is about to be sent that is to
// be carried out only if the key has the expected revision.
func (o *Observer) BeginSwap(key int, id workload.WriteID, expected int64) {
	o.put, o.swap = id, expected
	o.begin(key, 0)
}

// EndSwap reports its answer, in the client's terms. That a swap was right to put or
// not to put is judged by the histories.
func (o *Observer) EndSwap(s client.Swapped, err error) {
	op := operation{kind: swap, id: o.put, expected: o.swap, swapped: s.OK}
	switch {
	case client.Unknown(err):
		o.m.unknown(o.put)
	case err != nil:
	case s.OK:
		op.revision = s.Revision
		o.acknowledged(s.Revision)
	default:
		o.totals.Refused++
		o.answered(s.Revision)
		op.found, op.seen, op.seenAt = o.value(s.Pair, s.Revision)
		o.m.raise(s.Revision)
	}
	o.endWrite(err, op)
}

// written judges the revision of a write that changed something, and makes it
// the key's newest unless that is newer.
func (o *Observer) written(revision int64, put workload.WriteID) {
	m := o.m
	if revision <= o.newest {
		m.violation(o.key, "a write was given revision %d, but %d had been answered before it was sent", revision, o.newest)
	}
	l := m.lock(o.key)
	defer l.Unlock()
	state := &m.keys[o.key]
	if revision == state.rev {
		m.violation(o.key, "two writes were given revision %d", revision)
	}
	if revision > state.rev {
		state.rev, state.put = revision, put
	}
	if put == (workload.WriteID{}) {
		state.deletedAt = max(state.deletedAt, revision)
	}
}

// endWrite puts the write into its key's history: not one that did not happen, and
// one of unknown outcome as never ended.
func (o *Observer) endWrite(err error, op operation) {
	if op.unknown = err != nil; err == nil || client.Unknown(err) {
		o.keep(op)
	}
}

// keep puts the operation that has ended into its key's history, if that is kept.
func (o *Observer) keep(op operation) {
	if o.hist == nil {
		return
	}
	op.client, op.call, op.ret = o.client, o.call, o.m.now()
	if op.unknown {
		op.ret = math.MaxInt64
	}
	l := o.m.lock(o.key)
	defer l.Unlock()
	o.hist.ops = append(o.hist.ops, op)
}

// BeginDelete says that a delete of the key is about to be sent.
func (o *Observer) BeginDelete(key int) { o.begin(key, 1) }

// EndDelete reports the delete's answer: how many keys it removed, 0 or 1.
func (o *Observer) EndDelete(deleted, revision int64, err error) {
	m := o.m
	if client.Unknown(err) {
		m.unknown(workload.WriteID{})
		o.endWrite(err, operation{kind: remove}) // and deleting stays raised
		return
	}
	switch {
	case err != nil:
	case deleted == 1:
		o.totals.Effective++
		o.written(revision, workload.WriteID{})
	case deleted == 0:
		o.answered(revision)
		o.absent(o.key, o.floor, 1, revision)
	default:
		m.violation(o.key, "a delete of one key says that it removed %d", deleted)
	}
	if err == nil {
		o.totals.Acknowledged++
		m.raise(revision)
	}
	l := m.lock(o.key)
	m.keys[o.key].deleting--
	l.Unlock()
	op := operation{kind: remove, found: deleted == 1}
	if op.found {
		op.revision = revision
	}
	o.endWrite(err, op)
}

// BeginGet says that a read of the key is about to be sent.
func (o *Observer) BeginGet(key int) { o.begin(key, 0) }

// EndGet reports the read's answer; pair is nil if the key was not found.
func (o *Observer) EndGet(pair *mvccpb.KeyValue, revision int64, err error) {
	if err != nil {
		return
	}
	o.totals.Reads++
	o.read(revision)
	op := operation{kind: get}
	op.found, op.seen, op.seenAt = o.value(pair, revision)
	o.m.raise(revision)
	if !o.m.stale {
		o.keep(op)
	}
}

// value judges what an answer of the given revision says of the key, and tells which
// write it shows.
func (o *Observer) value(pair *mvccpb.KeyValue, revision int64) (found bool, id workload.WriteID, at int64) {
	if pair == nil {
		o.absent(o.key, o.floor, 0, revision)
		return false, workload.WriteID{}, 0
	}
	if index, err := o.m.w.Index(pair.Key); err != nil || index != o.key {
		o.m.violation(o.key, "a get was answered with key %x", pair.Key)
	}
	return true, o.found(o.key, pair, o.floor, revision), pair.ModRevision
}

// read judges the revision of a read's answer.
func (o *Observer) read(revision int64) {
	if !o.m.stale {
		o.answered(revision)
	}
}

// answered judges the revision of an answer that is not a write's own.
func (o *Observer) answered(revision int64) {
	if revision < o.newest {
		o.m.violation(o.key, "an answer has revision %d, but %d had been answered before it was asked for", revision, o.newest)
	}
}

// found judges one pair that was read; floor is what was known of the key when
// the read was sent. It returns the write that made the value.
func (o *Observer) found(key int, pair *mvccpb.KeyValue, floor keyState, revision int64) workload.WriteID {
	m, rev := o.m, pair.ModRevision
	id, err := m.w.Verify(pair.Value, key)
	l := m.lock(key)
	now := m.keys[key]
	if err == nil && rev <= revision {
		m.keys[key].seen = max(now.seen, rev)
	}
	l.Unlock()
	switch known := max(floor.rev, floor.seen); {
	case err != nil:
		m.violation(key, "%v (mod_revision %d)", err, rev)
	case rev > revision:
		m.violation(key, "mod_revision %d is above the answer's revision %d", rev, revision)
	case rev < known && !m.stale:
		m.violation(key, "stale: mod_revision %d, but %d had been acknowledged or read before the read was sent", rev, known)
	case rev < now.rev && now.rev <= revision:
		m.violation(key, "mod_revision %d in an answer of revision %d, but revision %d changed the key before", rev, revision, now.rev)
	case rev == floor.rev && id != floor.put, rev == now.rev && id != now.put:
		m.violation(key, "revision %d has the value of write %v, which another write's revision is", rev, id)
	}
	return id
}

// absent judges that a key was not found in an answer of the given revision; own is
// 1 if the asker's own delete is among those under way. A delete that took effect
// before the answer was given is either still under way or acknowledged.
func (o *Observer) absent(key int, floor keyState, own int32, revision int64) {
	present := floor.seen // the revision of which it was known to be there
	if floor.put != (workload.WriteID{}) {
		present = max(present, floor.rev)
	} else if present < floor.rev {
		present = 0
	}
	l := o.m.lock(key)
	now := o.m.keys[key]
	l.Unlock()
	switch {
	case now.deleting > own: // it may be why
	case present > 0 && now.deletedAt <= present && !o.m.stale:
		o.m.violation(key, "not found, but the put of revision %d had been acknowledged before the read was sent and nothing has deleted it", present)
	case now.put != (workload.WriteID{}) && now.rev <= revision:
		o.m.violation(key, "not found in an answer of revision %d, but it was put by revision %d and nothing has deleted it", revision, now.rev)
	}
}

// BeginRange says that a read of count keys from index first is about to be sent,
// which is answered with up to limit of them (0: all).
//
// What is known of each key is kept for the judgement; of a range with a limit,
// of limit keys and one prefix more. The answer goes beyond these only if many of
// them are deleted, and then the keys there are judged as if nothing were known.
func (o *Observer) BeginRange(first, count int, limit int64) {
	o.key, o.first, o.count, o.newest = first, first, count, o.m.newest.Load()
	end := first + count
	if limit > 0 {
		end = min(end, first+int(min(limit, int64(count)))+workload.PrefixKeys)
	}
	o.floors = o.floors[:0]
	for at := first; at < end; {
		next := min(end, at-at%workload.PrefixKeys+workload.PrefixKeys)
		l := o.m.lock(at) // of all keys of one prefix
		o.floors = append(o.floors, o.m.keys[at:next]...)
		l.Unlock()
		at = next
	}
}

// floorOf is what was known of a key of the range when it was sent.
func (o *Observer) floorOf(key int) keyState {
	if i := key - o.first; i < len(o.floors) {
		return o.floors[i]
	}
	return keyState{}
}

// EndRange reports the range's answer: pairs in key order, and whether the
// limit (0: none) cut it short.
func (o *Observer) EndRange(pairs []*mvccpb.KeyValue, more bool, limit, revision int64, err error) {
	if err != nil {
		return
	}
	m := o.m
	o.totals.Reads++
	o.read(revision)
	if limit > 0 && int64(len(pairs)) > limit {
		m.violation(o.first, "a range with limit %d was answered with %d pairs", limit, len(pairs))
	}
	if more && (limit == 0 || int64(len(pairs)) < limit) {
		m.violation(o.first, "a range of %d pairs says that there are more, below its limit %d", len(pairs), limit)
	}
	next := o.first // the first index not yet accounted for
	for i, pair := range pairs {
		key, err := m.w.Index(pair.Key)
		if err != nil || key < o.first || key >= o.first+o.count {
			m.violation(o.first, "a range was answered with key %x, outside its bounds", pair.Key)
			return
		}
		if key < next {
			m.violation(key, "a range is out of order: %x after %x", pair.Key, pairs[max(0, i-1)].Key)
			return
		}
		o.absentFrom(next, key, revision)
		o.found(key, pair, o.floorOf(key), revision)
		next = key + 1
	}
	if !more {
		o.absentFrom(next, o.first+o.count, revision)
	}
	m.raise(revision)
}

// absentFrom judges that the keys of the range in [from, to) were not found.
func (o *Observer) absentFrom(from, to int, revision int64) {
	for key := from; key < min(to, o.first+len(o.floors)); key++ {
		o.absent(key, o.floors[key-o.first], 0, revision)
	}
}
