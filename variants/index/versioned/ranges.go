package versioned

import (
	"bytes"
	"iter"
	"slices"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
)

// ranges answers for a version what needs the order of keys.
type ranges interface {
	scan(v *version, start, end []byte, fn func(*kv.KeyValue) bool) error
	scanReverse(v *version, start, end []byte, fn func(*kv.KeyValue) bool) error
	count(v *version, start, end []byte) (int64, error)
	// capture returns all pairs of v, the newest version, to be ranged over once.
	capture(v *version) iter.Seq[*kv.KeyValue]
	// apply makes the changes that lead to next, before the table has them.
	apply(next *version) error
}

// collected filters and sorts the table, which has no order.
type collected struct{ table Table }

var _ ranges = collected{}

func (c collected) scan(v *version, start, end []byte, fn func(*kv.KeyValue) bool) error {
	for _, pair := range c.sorted(v, start, end) {
		if !fn(pair) {
			break
		}
	}
	return nil
}

func (c collected) scanReverse(v *version, start, end []byte, fn func(*kv.KeyValue) bool) error {
	for _, pair := range slices.Backward(c.sorted(v, start, end)) {
		if !fn(pair) {
			break
		}
	}
	return nil
}

func (c collected) count(v *version, start, end []byte) (int64, error) {
	return int64(len(c.matches(v, start, end))), nil
}

func (c collected) capture(v *version) iter.Seq[*kv.KeyValue] {
	return func(yield func(*kv.KeyValue) bool) { _ = c.scan(v, nil, nil, yield) }
}

func (c collected) apply(*version) error { return nil }

// sorted returns the pairs of [start, end) in ascending order of keys.
func (c collected) sorted(v *version, start, end []byte) []*kv.KeyValue {
	pairs := c.matches(v, start, end)
	slices.SortFunc(pairs, func(a, b *kv.KeyValue) int { return bytes.Compare(a.Key, b.Key) })
	return pairs
}

// matches returns the pairs of [start, end): what the table holds, with all that
// was changed meanwhile undone.
func (c collected) matches(v *version, start, end []byte) []*kv.KeyValue {
	var pairs []*kv.KeyValue
	c.table.Each(func(pair *kv.KeyValue) {
		if engine.InRange(pair.Key, start, end) {
			pairs = append(pairs, pair)
		}
	})
	replaced := v.replacedIn(start, end)
	if len(replaced) == 0 {
		return pairs
	}
	pairs = slices.DeleteFunc(pairs, func(p *kv.KeyValue) bool {
		_, changed := replaced[keyOf(p.Key)]
		return changed
	})
	for _, before := range replaced {
		if before != nil {
			pairs = append(pairs, before)
		}
	}
	return pairs
}

// ordered asks an index in order, which has the version's content or a later one.
type ordered struct{ index memory.Index }

var _ ranges = ordered{}

func (o ordered) scan(v *version, start, end []byte, fn func(*kv.KeyValue) bool) error {
	now := o.index.Acquire()
	defer now.Close()
	return undone(v, now, start, end).Scan(start, end, fn)
}

func (o ordered) scanReverse(v *version, start, end []byte, fn func(*kv.KeyValue) bool) error {
	now := o.index.Acquire()
	defer now.Close()
	return undone(v, now, start, end).ScanReverse(start, end, fn)
}

// undone returns now, which was acquired before the call, as it was in v, as far
// as [start, end) goes.
func undone(v *version, now engine.Reader, start, end []byte) engine.Reader {
	replaced := v.replacedIn(start, end)
	if len(replaced) == 0 {
		return now
	}
	o := engine.NewOverlay(now)
	for key, before := range replaced {
		show(o, key, before)
	}
	return o
}

// count corrects the present count by the keys that came and went since.
func (o ordered) count(v *version, start, end []byte) (int64, error) {
	now := o.index.Acquire()
	defer now.Close()
	replaced := v.replacedIn(start, end)
	var gone int64
	for key, before := range replaced {
		pair, err := now.Get(bytesOf(key))
		if err != nil {
			return 0, err
		}
		if before != nil {
			gone++
		}
		if pair != nil {
			gone--
		}
	}
	n, err := now.Count(start, end)
	return n + gone, err
}

// capture needs no undoing: nothing is newer than v.
func (o ordered) capture(*version) iter.Seq[*kv.KeyValue] {
	_, pairs := o.index.Capture()
	return pairs
}

func (o ordered) apply(next *version) error {
	b := o.index.Begin()
	for key, c := range next.changed {
		var err error
		if c.after == nil {
			err = b.Delete(bytesOf(key))
		} else {
			err = b.Put(c.after)
		}
		if err != nil {
			return err
		}
	}
	return b.Commit(next.state)
}
