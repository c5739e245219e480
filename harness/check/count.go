package check

import (
	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// Counted reports, after EndRange of an answer without error, how many pairs of
// the range the answer was given, whether it says that there are more, and how
// many it says the range holds, whatever its limit.
//
// While nothing writes, that is the number of keys that were preloaded there, or of
// contended keys that the model has. Otherwise it is between what was shown and what
// the range has room for: the model does not follow how many keys exist. Contended
// keys must not be written while they are counted.
func (o *Observer) Counted(pairs int, more bool, count int64) {
	w := o.m.w
	switch known := max(0, min(o.first+o.count, w.PreloadKeys)-o.first); {
	case count < int64(pairs) || count > int64(o.count):
		o.m.violation(o.first, "a range of %d keys is said to hold %d pairs, and was answered with %d", o.count, count, pairs)
	case more != (count > int64(pairs)):
		o.m.violation(o.first, "a range is said to hold %d pairs, was answered with %d, and says %t to more", count, pairs, more)
	case o.m.stale: // it may be of before the preload
	case o.first >= w.Keys:
		if present := o.present(); count != present && !o.m.anyUnknown() {
			o.m.violation(o.first, "a range is said to hold %d pairs, but %d are there", count, present)
		}
	case w.Mix[record.OpPut] == 0 && w.Mix[record.OpDelete] == 0 && count != int64(known):
		o.m.violation(o.first, "a range is said to hold %d pairs, but %d were put there before the run and nothing has written since", count, known)
	}
}

// present counts the keys of the range that were there when it was sent.
func (o *Observer) present() (n int64) {
	for _, f := range o.floors {
		if f.put != (workload.WriteID{}) {
			n++
		}
	}
	return n
}
