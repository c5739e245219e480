package check

import (
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
	sampled
	// floors are what was known of the keys of a range, of the first ones only if
	// it is long and limited; reused.
	floors []keyState
	first  int
	count  int
}

// Observer returns a new observer. The client number tells clients apart in
// sampled histories.
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
	o.sampled = m.sample.begin(key, m.epoch)
	l.Unlock()
}

// BeginPut says that write id is about to be sent.
func (o *Observer) BeginPut(key int, id workload.WriteID) {
	o.put = id
	o.begin(key, 0)
}

// EndPut reports the put's answer.
func (o *Observer) EndPut(revision int64, err error) {
	m := o.m
	if err != nil {
		if client.Unknown(err) {
			m.unknown(o.put)
		}
		o.endWrite(err, operation{kind: workload.Put, id: o.put})
		return
	}
	o.totals.Acknowledged++
	o.totals.Effective++
	o.written(revision, o.put)
	m.raise(revision)
	o.endWrite(nil, operation{kind: workload.Put, id: o.put})
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

// endWrite closes the sampled operation: one that did not happen is forgotten,
// one of unknown outcome never ends.
func (o *Observer) endWrite(err error, op operation) {
	if !o.sampled.on {
		return
	}
	op.client, op.unknown = o.client, err != nil
	l := o.m.lock(o.key)
	defer l.Unlock()
	o.m.sample.end(o.key, o.sampled, op, o.m.epoch, err == nil || client.Unknown(err))
}

// BeginDelete says that a delete of the key is about to be sent.
func (o *Observer) BeginDelete(key int) { o.begin(key, 1) }

// EndDelete reports the delete's answer: how many keys it removed, 0 or 1.
func (o *Observer) EndDelete(deleted, revision int64, err error) {
	m := o.m
	if client.Unknown(err) {
		m.unknown(workload.WriteID{})
		o.endWrite(err, operation{kind: workload.Delete}) // and deleting stays raised
		return
	}
	switch {
	case err != nil:
	case deleted == 1:
		o.totals.Effective++
		o.written(revision, workload.WriteID{})
	case deleted == 0:
		o.answered(revision)
		o.absent(o.key, o.floor, 1)
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
	o.endWrite(err, operation{kind: workload.Delete, found: deleted == 1})
}

// BeginGet says that a read of the key is about to be sent.
func (o *Observer) BeginGet(key int) { o.begin(key, 0) }

// EndGet reports the read's answer; pair is nil if the key was not found.
func (o *Observer) EndGet(pair *mvccpb.KeyValue, revision int64, err error) {
	op := operation{kind: workload.Get, client: o.client}
	if err == nil {
		o.totals.Reads++
		o.read(revision)
		if pair != nil {
			op.found = true
			op.id = o.found(o.key, pair, o.floor, revision)
			if index, err := o.m.w.Index(pair.Key); err != nil || index != o.key {
				o.m.violation(o.key, "a get was answered with key %x", pair.Key)
			}
		} else {
			o.notFound(o.key, o.floor)
		}
		o.m.raise(revision)
	}
	if o.sampled.on {
		l := o.m.lock(o.key)
		o.m.sample.end(o.key, o.sampled, op, o.m.epoch, err == nil && !o.m.stale)
		l.Unlock()
	}
}

// read judges the revision of a read's answer.
func (o *Observer) read(revision int64) {
	if !o.m.stale {
		o.answered(revision)
	}
}

// notFound judges that a read did not find a key.
func (o *Observer) notFound(key int, floor keyState) {
	if !o.m.stale {
		o.absent(key, floor, 0)
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
	l.Unlock()
	switch {
	case err != nil:
		m.violation(key, "%v (mod_revision %d)", err, rev)
	case rev > revision:
		m.violation(key, "mod_revision %d is above the answer's revision %d", rev, revision)
	case rev < floor.rev && !m.stale:
		m.violation(key, "stale: mod_revision %d, but %d had been acknowledged before the read was sent", rev, floor.rev)
	case rev == floor.rev && id != floor.put, rev == now.rev && id != now.put:
		m.violation(key, "revision %d has the value of write %v, which another write's revision is", rev, id)
	}
	return id
}

// absent judges that a key was not found; own is 1 if the asker's own delete is
// among those under way. A delete that took effect before the answer was given
// is either still under way or acknowledged.
func (o *Observer) absent(key int, floor keyState, own int32) {
	if floor.put == (workload.WriteID{}) {
		return
	}
	l := o.m.lock(key)
	now := o.m.keys[key]
	l.Unlock()
	if now.deleting <= own && now.deletedAt <= floor.rev {
		o.m.violation(key, "not found, but the put of revision %d had been acknowledged before the read was sent and nothing has deleted it", floor.rev)
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
		o.absentFrom(next, key)
		o.found(key, pair, o.floorOf(key), revision)
		next = key + 1
	}
	if !more {
		o.absentFrom(next, o.first+o.count)
	}
	m.raise(revision)
}

// absentFrom judges that the keys of the range in [from, to) were not found.
func (o *Observer) absentFrom(from, to int) {
	for key := from; key < min(to, o.first+len(o.floors)); key++ {
		o.notFound(key, o.floors[key-o.first])
	}
}
