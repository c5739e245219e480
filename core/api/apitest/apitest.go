// Package apitest serves a store in memory for tests of the services and of
// clients: commands are executed by package apply on its oracle engine, without
// a log, and the network is a buffer.
package apitest

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"metastorebench/core/api"
	"metastorebench/core/apply"
	"metastorebench/core/apply/applytest"
	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// Identity of the stores that New returns.
const (
	ClusterID = 0xc1
	MemberID  = 0x3e
	RaftTerm  = 4
)

// Store is an api.Store over an oracle engine.
type Store struct {
	mu     sync.Mutex
	engine *applytest.Oracle
	leader uint64
	fail   error
	reads  map[bool]int
	// batches holds the length of each batch executed.
	batches []int
}

var _ api.Store = (*Store)(nil)

// New returns an empty store that leads itself.
func New() *Store {
	return &Store{engine: applytest.New(), leader: MemberID, reads: map[bool]int{}}
}

// Fail makes every later Propose and Read return err; nil ends that.
func (s *Store) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// SetLeader sets the leader that Status names, 0 for none.
func (s *Store) SetLeader(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leader = id
}

// Reads returns how many reads there were that asked for this consistency.
func (s *Store) Reads(serializable bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads[serializable]
}

// Propose executes cmd at once.
func (s *Store) Propose(ctx context.Context, cmd *kv.Command) (kv.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refusal(ctx); err != nil {
		return kv.Result{}, err
	}
	return s.execute(cmd)
}

// ProposeBatch executes the commands at once, with nothing between them.
func (s *Store) ProposeBatch(ctx context.Context, cmds []*kv.Command) ([]kv.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refusal(ctx); err != nil {
		return nil, err
	}
	s.batches = append(s.batches, len(cmds))
	results := make([]kv.Result, len(cmds))
	for i, cmd := range cmds {
		var err error
		if results[i], err = s.execute(cmd); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// ProposeEach executes copies of the commands at once, one after another.
func (s *Store) ProposeEach(submissions []kv.Submission, sink kv.Sink) {
	answers := make([]kv.Answer, len(submissions))
	s.mu.Lock()
	for i, sub := range submissions {
		answers[i] = kv.Answer{Token: sub.Token, Err: s.fail}
		if s.fail == nil {
			answers[i].Result, answers[i].Err = s.execute(proto.CloneOf(sub.Command))
		}
	}
	s.mu.Unlock()
	sink.Answered(answers)
}

// Batches returns the lengths of the batches that were executed.
func (s *Store) Batches() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.batches)
}

// refusal says why nothing is executed, nil if it is. s.mu is held.
func (s *Store) refusal(ctx context.Context) error {
	if s.fail != nil {
		return s.fail
	}
	return ctx.Err()
}

// execute carries out cmd. s.mu is held.
func (s *Store) execute(cmd *kv.Command) (kv.Result, error) {
	st := s.engine.State()
	res, err := apply.Exec(s.engine, &st, cmd)
	if err != nil {
		return kv.Result{}, err
	}
	return res, s.engine.Commit(st)
}

// Read runs fn on the engine.
func (s *Store) Read(_ context.Context, serializable bool, fn func(engine.Reader) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads[serializable]++
	if s.fail != nil {
		return s.fail
	}
	return fn(s.engine)
}

// Status names the constants of this package.
func (s *Store) Status() api.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return api.Status{
		ClusterID: ClusterID, MemberID: MemberID, RaftTerm: RaftTerm, RaftIndex: 12, AppliedIndex: 11,
		Leader: s.leader, Version: "3.7.0", DBSizeBytes: 4096, Revision: s.engine.State().Revision,
	}
}

// ServeTCP serves store on a port of the loopback until the test ends.
func ServeTCP(tb testing.TB, store api.Store, o api.ServerOptions) (*api.Server, *net.TCPAddr) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	return serveOn(tb, l, store, o), l.Addr().(*net.TCPAddr)
}

// serveOn serves on l until the test ends.
func serveOn(tb testing.TB, l net.Listener, store api.Store, o api.ServerOptions) *api.Server {
	tb.Helper()
	o.Lean = o.Lean || Lean
	srv, err := api.NewServer(store, o)
	require.NoError(tb, err)
	served := make(chan error, 1)
	go func() { served <- srv.ServeGRPC(l) }()
	tb.Cleanup(func() {
		// The test's context has ended; clients that are still there are cut off.
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = srv.Shutdown(ctx)
		require.NoError(tb, <-served)
	})
	return srv
}

// Lean has servers serve by package lean, as far as the tests do not say so themselves.
var Lean bool

// Serve serves store over gRPC in memory until the test ends, and returns the
// server and the option that lets a client reach it under any address.
func Serve(tb testing.TB, store api.Store, o api.ServerOptions) (*api.Server, grpc.DialOption) {
	tb.Helper()
	l := bufconn.Listen(1 << 20)
	return serveOn(tb, l, store, o), grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return l.DialContext(ctx)
	})
}
