package check

import "metastorebench/harness/record"

// Counted reports, after EndRange of an answer without error, how many pairs of
// the range the answer was given, whether it says that there are more, and how
// many it says the range holds, whatever its limit.
//
// While nothing writes, that is the number of keys that were preloaded there.
// Otherwise it is between what was shown and what the range has room for: the
// model does not follow how many keys exist.
func (o *Observer) Counted(pairs int, more bool, count int64) {
	w := o.m.w
	switch known := max(0, min(o.first+o.count, w.PreloadKeys)-o.first); {
	case count < int64(pairs) || count > int64(o.count):
		o.m.violation(o.first, "a range of %d keys is said to hold %d pairs, and was answered with %d", o.count, count, pairs)
	case more != (count > int64(pairs)):
		o.m.violation(o.first, "a range is said to hold %d pairs, was answered with %d, and says %t to more", count, pairs, more)
	case o.m.stale: // it may be of before the preload
	case w.Mix[record.OpPut] == 0 && w.Mix[record.OpDelete] == 0 && count != int64(known):
		o.m.violation(o.first, "a range is said to hold %d pairs, but %d were put there before the run and nothing has written since", count, known)
	}
}
