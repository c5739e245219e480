package proposetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/codec"
	"metastorebench/core/kv"
	"metastorebench/core/propose"
)

// collector is a sink that counts down the answers that it expects.
type collector struct {
	mu      sync.Mutex
	answers []kv.Answer
	want    int
	all     chan struct{} // closed when there are as many
}

func (c *collector) Answered(answers []kv.Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers = append(c.answers, answers...)
	if len(c.answers) == c.want {
		close(c.all)
	}
}

// each checks commands for which nobody waits: those of every caller are answered
// once, and since the results come in the order of the entries, in the order in
// which they were submitted. There are few enough of them to have room.
func each(t *testing.T, policy propose.Policy, c codec.Codec, options ...propose.Option) {
	p := propose.New(c, policy, Limits, 42, nil, options...)
	stop := make(chan struct{})
	var loops, callers sync.WaitGroup
	loops.Go(func() { loop(t, p, c, stop, func(*kv.Command) {}) })
	for caller := range 8 {
		callers.Go(func() {
			sink := &collector{want: 100, all: make(chan struct{})}
			for first := 0; first < sink.want; {
				var submissions []kv.Submission
				for range min(first%7+1, sink.want-first) {
					put := &kv.PutRequest{Key: make([]byte, first%30+1), Value: fmt.Appendf(nil, "%d/%d", caller, first)}
					submissions = append(submissions, kv.Submission{Token: uint64(first), Command: &kv.Command{Put: put}})
					first++
				}
				p.DoEach(submissions, sink)
				for _, s := range submissions {
					clear(s.Command.Put.Value) // the caller's again
				}
			}
			<-sink.all
			for i, a := range sink.answers {
				want := fmt.Sprintf("%d/%d", caller, i)
				if a.Err != nil || a.Token != uint64(i) || a.Result.Revision != int64(i%30+1) || a.Result.Err.Error() != want {
					t.Errorf("command %s: %+v", want, a)
				}
			}
		})
	}
	callers.Wait()
	close(stop)
	loops.Wait()
	_, _, _, ok := p.Next()
	require.False(t, ok)
}
