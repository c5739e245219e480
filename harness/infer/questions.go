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
	answers  map[uint64]answered
}

type question struct {
	name   string
	margin float64
	asked  []*Effect
}

// answered is an effect with the question that it belongs to.
type answered struct {
	effect *Effect
	family *question
}

// NewQuestions returns an empty set.
func NewQuestions() *Questions {
	return &Questions{byName: map[string]*question{}, answers: map[uint64]answered{}}
}

// Judge makes the intervals and words of all families. Nothing is asked afterwards.
func (q *Questions) Judge() {
	for _, f := range q.families {
		Judge(f.margin, f.asked...)
	}
}

// Ask puts an effect into the family of a question, with the margin that the question
// has when it is asked first.
func (q *Questions) Ask(name string, margin float64, e Effect) {
	key := e.fingerprint()
	if e.N == 0 || q.answers[key].effect != nil {
		return
	}
	f := q.byName[name]
	if f == nil {
		f = &question{name: name, margin: margin}
		q.byName[name] = f
		q.families = append(q.families, f)
	}
	asked := e
	f.asked = append(f.asked, &asked)
	q.answers[key] = answered{&asked, f}
}

// Answer is what Judge made of an effect that was asked, with the name of its family and
// the number of effects in that. An effect that was not asked is as it was.
func (q *Questions) Answer(e Effect) (judged Effect, family string, size int) {
	a := q.answers[e.fingerprint()]
	if a.effect == nil {
		return e, "", 0
	}
	return *a.effect, a.family.name, len(a.family.asked)
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
