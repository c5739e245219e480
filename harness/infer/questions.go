package infer

import (
	"hash/fnv"
	"math"
)

// Questions are the families of a report. A report asks first and is answered when it
// has asked everything, so that it is made twice: once to Ask, then, after Judge, to
// be answered. A comparison that several questions ask, with the same numbers from the
// same blocks, belongs to the first: it has one interval and one word wherever it
// stands. It is not safe for concurrent use.
type Questions struct {
	families []*question
	byName   map[string]*question
	answers  map[uint64]*Effect
	judged   bool
}

type question struct {
	margin float64
	asked  []*Effect
}

// NewQuestions returns an empty set.
func NewQuestions() *Questions {
	return &Questions{byName: map[string]*question{}, answers: map[uint64]*Effect{}}
}

// Judge makes the intervals and words of all families. Nothing is asked afterwards.
func (q *Questions) Judge() {
	for _, f := range q.families {
		Judge(f.margin, f.asked...)
	}
	q.judged = true
}

// Ask puts an effect into the family of a question, with the margin that the question
// has when it is asked first. After Judge, e is what Judge made of it.
func (q *Questions) Ask(name string, margin float64, e Effect) Effect {
	if e.N == 0 {
		return e
	}
	if answer := q.answers[e.fingerprint()]; answer != nil {
		return *answer
	}
	if q.judged {
		Judge(margin, &e) // nobody had asked: a family of its own
		return e
	}
	f := q.byName[name]
	if f == nil {
		f = &question{margin: margin}
		q.byName[name] = f
		q.families = append(q.families, f)
	}
	asked := e
	f.asked = append(f.asked, &asked)
	q.answers[e.fingerprint()] = &asked
	return e
}

// Judged reports whether Judge was called.
func (q *Questions) Judged() bool { return q.judged }

// Answer replaces effects by what Judge made of them; before Judge, by what they are
// as a question of their own.
func (q *Questions) Answer(margin float64, effects ...*Effect) {
	if !q.judged {
		Judge(margin, effects...)
		return
	}
	for _, e := range effects {
		*e = q.Ask("", margin, *e)
	}
}

// fingerprint is the same for the same numbers, whichever way they were computed.
func (e Effect) fingerprint() uint64 {
	h := fnv.New64a()
	var b [8]byte
	values := e.values
	if values == nil { // unpaired
		values = []float64{e.Log, e.se, e.df, float64(e.N)}
	}
	for _, v := range values {
		n := int64(math.Round(v * 1e9))
		for i := range b {
			b[i] = byte(n >> (8 * i))
		}
		h.Write(b[:])
	}
	return h.Sum64()
}
