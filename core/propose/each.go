package propose

import (
	"sync"

	"metastorebench/core/kv"
	"metastorebench/core/trace"
)

// DoEach proposes each command by itself, in order, and returns when they are in
// the queue. The commands share nothing but the cost of getting there: each is
// encoded, admitted, put into an entry and answered like one of Do. sink is given
// one answer for each, perhaps before the call returns, with the errors of Do,
// but for a context's: there is nobody to give up. When the queue is full, all
// further ones are refused.
//
// Commands that are admitted take their places in the log in the order of the
// submissions, behind those of earlier calls. submissions and what they hold may
// be reused after the call. If stages are traced, a sink that is a trace.Carrier is
// asked for the span of each, in which Decode is stamped.
func (p *Proposer) DoEach(submissions []kv.Submission, sink kv.Sink) {
	var refused []kv.Answer
	refuse := func(token uint64, err error) {
		refused = append(refused, kv.Answer{Token: token, Err: err})
	}
	c := p.newChunk(submissions)
	traced := p.tracesOf(sink)
	for _, s := range submissions {
		if err := p.addTo(c, s, sink); err != nil {
			refuse(s.Token, err)
			continue
		}
		traced.began(s.Token)
	}
	requests := c.requests
	c.unanswered.Store(int64(len(requests)))
	p.counted(CopyEncode, len(c.encoded))
	admitted, err := p.admitEach(requests, traced.spans) // which may be answered from now on
	for i := range requests[admitted:] {
		refuse(requests[admitted+i].token, err)
		requests[admitted+i].letGo()
	}
	p.answered(c, len(requests)-admitted)
	if len(refused) > 0 {
		sink.Answered(refused)
	}
}

// admitEach lets the requests wait for their turn, in order, and returns how many
// the bounds had room for, with the error of the others. spans are the requests',
// or none.
func (p *Proposer) admitEach(requests []request, spans []*trace.Span) (admitted int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.waitingOps
	for i := range requests {
		if err = p.queue(&requests[i]); err != nil {
			break
		}
		if spans != nil && spans[i] != nil {
			p.spans[&requests[i]] = spans[i]
		}
		admitted++
	}
	p.wakeLoop(before)
	return admitted, err
}

// answerAll tells the requests' callers and sinks that they are complete, or
// failed with err.
func (p *Proposer) answerAll(requests []*request, err error) {
	for len(requests) > 0 {
		r := requests[0]
		if r.sink == nil {
			r.answer <- err
			requests = requests[1:]
			continue
		}
		n, sink := 1, r.sink
		for n < len(requests) && requests[n].sink == sink {
			n++
		}
		answerSink(sink, requests[:n], err)
		for _, r := range requests[:n] {
			p.answered(r.chunk, 1)
		}
		requests = requests[n:]
	}
}

// answerLists are reused: a busy store answers some hundred thousand commands a
// second.
var answerLists = sync.Pool{New: func() any { return new([]kv.Answer) }}

// answerSink gives the sink the answers of requests that are its own.
func answerSink(sink kv.Sink, requests []*request, err error) {
	list := answerLists.Get().(*[]kv.Answer)
	answers := (*list)[:0]
	for _, r := range requests {
		a := kv.Answer{Token: r.token, Err: err}
		if err == nil {
			a.Result = r.results[0]
		}
		answers = append(answers, a)
	}
	sink.Answered(answers)
	clear(answers)
	*list = answers
	answerLists.Put(list)
}
