package check

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"
	"go.etcd.io/etcd/api/v3/mvccpb"

	"metastorebench/harness/record"
	"metastorebench/harness/workload"
)

// MaxErrorRate is the share of failed operations that a trial must stay below:
// 0.01 %, the plan's target T7.
const MaxErrorRate = 1e-4

func detail(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func failed(name, format string, args ...any) record.Check {
	return record.Check{Name: name, Detail: detail(format, args...)}
}

// Answers returns the outcome of judging every answer, at the end.
func (m *Model) Answers() record.Check {
	t := m.Totals()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.violated > 0 {
		return failed("answers", "%d violations, the first: %s", m.violated, strings.Join(m.violations, "; "))
	}
	return record.Check{Name: "answers", OK: true,
		Detail: detail("%d writes and %d reads answered as the model allows", t.Acknowledged, t.Reads)}
}

// Applied compares the number of acknowledged writes with applied, the number
// that the store says it applied since it started: of commands, with transactions
// that compared in vain, or of writes alone.
func (m *Model) Applied(applied int64, commands bool) record.Check {
	t := m.Totals()
	if commands {
		return between("applied", "writes applied by the store", applied, "acknowledged, with transactions that wrote nothing", t.Acknowledged+t.Refused, t.Unknown)
	}
	return between("applied", "writes applied by the store", applied, "acknowledged", t.Acknowledged, t.Unknown)
}

// Revisions compares how far the store's revision advanced with the number of
// acknowledged writes that changed something: each has one of its own.
func (m *Model) Revisions(first, last int64) record.Check {
	t := m.Totals()
	return between("revisions", "revisions used", last-first, "acknowledged with an effect", t.Effective, t.Unknown)
}

// between accepts got in [want, want+unknown].
func between(name, what string, got int64, wantWhat string, want, unknown int64) record.Check {
	return record.Check{Name: name, OK: got >= want && got <= want+unknown,
		Detail: detail("%s: %d; %s: %d; of unknown outcome: %d", what, got, wantWhat, want, unknown)}
}

// Errors judges the share of failed operations in the measured window.
func Errors(ops []record.OpStats) record.Check {
	var good, bad int64
	kinds := make([]string, 0, len(ops))
	for _, op := range ops {
		good += op.Count
		for code, n := range op.Errors {
			bad += n
			kinds = append(kinds, detail("%s %s: %d", op.Op, code, n))
		}
	}
	total := good + bad
	if total == 0 {
		return failed(record.CheckErrors, "no operation ended in the measured window")
	}
	check := record.Check{Name: record.CheckErrors, OK: float64(bad) < MaxErrorRate*float64(total),
		Detail: detail("%d of %d operations failed; accepted: below %.2g", bad, total, MaxErrorRate)}
	if bad > 0 {
		check.Detail += " (" + strings.Join(kinds, ", ") + ")"
	}
	return check
}

// Scan compares the whole content of the store with the model, at the end. Feed
// it the pairs in key order with Add, then call Finish. It takes what it finds
// as the outcome of writes whose outcome was unknown.
type Scan struct {
	m           *Model
	next        int // the first index not yet accounted for
	pairs       int64
	got, want   xxhash.Digest
	value       []byte
	differences []string
	differ      int64
}

// Scan begins the comparison.
func (m *Model) Scan() *Scan {
	s := &Scan{m: m}
	s.got.Reset()
	s.want.Reset()
	return s
}

// Add compares the next pairs.
func (s *Scan) Add(pairs []*mvccpb.KeyValue) {
	for _, pair := range pairs {
		key, err := s.m.w.Index(pair.Key)
		if err != nil {
			s.difference("%v", err)
			continue
		}
		if key < s.next {
			s.difference("key %d: out of order or twice", key)
			continue
		}
		s.absent(key)
		s.present(key, pair)
		s.next = key + 1
	}
}

// Finish returns the outcome.
func (s *Scan) Finish() record.Check {
	s.absent(s.m.w.AllKeys())
	if s.differ == 0 && s.got.Sum64() != s.want.Sum64() {
		s.difference("digests differ")
	}
	if s.differ > 0 {
		return failed("end-state", "%d differences, the first: %s; digest of the store %016x, of the model %016x",
			s.differ, strings.Join(s.differences, "; "), s.got.Sum64(), s.want.Sum64())
	}
	return record.Check{Name: "end-state", OK: true,
		Detail: detail("%d pairs equal the model's, digest %016x", s.pairs, s.got.Sum64())}
}

func (s *Scan) difference(format string, args ...any) {
	s.differ++
	if len(s.differences) < maxViolations {
		s.differences = append(s.differences, detail(format, args...))
	}
}

// present compares one pair of the store.
func (s *Scan) present(key int, pair *mvccpb.KeyValue) {
	m := s.m
	s.pairs++
	id, err := m.w.Verify(pair.Value, key)
	state := &m.keys[key]
	switch rev := pair.ModRevision; {
	case err != nil:
		s.difference("key %d: %v", key, err)
	case rev > state.rev && m.isUnknown(id):
		state.rev, state.put = rev, id
	case rev != state.rev || id != state.put:
		s.difference("key %d: the store has write %v of revision %d, the model write %v of revision %d", key, id, rev, state.put, state.rev)
	}
	m.final(key, id, pair.ModRevision, true)
	hashPair(&s.got, pair.Key, pair.Value, pair.ModRevision)
	s.hashModel(key)
}

// absent compares the keys from the next to end, which the store does not have.
func (s *Scan) absent(end int) {
	m := s.m
	for key := s.next; key < end; key++ {
		state := &m.keys[key]
		if state.put != (workload.WriteID{}) {
			if state.deleting > 0 {
				state.put = workload.WriteID{}
			} else {
				s.difference("key %d: not in the store; the model has write %v of revision %d", key, state.put, state.rev)
			}
		}
		m.final(key, workload.WriteID{}, 0, false)
		s.hashModel(key)
	}
	s.next = max(s.next, end)
}

// hashModel adds the key as the model has it, if it has it.
func (s *Scan) hashModel(key int) {
	state := s.m.keys[key]
	if state.put == (workload.WriteID{}) {
		return
	}
	s.value = s.m.w.AppendKey(s.value[:0], key)
	n := len(s.value)
	s.value = s.m.w.AppendValue(s.value, key, state.put)
	hashPair(&s.want, s.value[:n], s.value[n:], state.rev)
}

func hashPair(d *xxhash.Digest, key, value []byte, rev int64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(rev))
	_, _ = d.Write(key) // a Digest never fails
	_, _ = d.Write(value)
	_, _ = d.Write(b[:])
}
