// Package fakestore is a store for the harness's own tests: etcd's KV service,
// batches and streams over a map, with the ready line, counters and flags of the real
// one, and a choice of faults that the harness must notice. A test binary becomes
// the store when it is started as a child:
//
//	func TestMain(m *testing.M) { fakestore.RunIfChild(); os.Exit(m.Run()) }
//
// and is given to a trial as the store's binary, with the fault in the cell's
// options under "fault".
package fakestore

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"

	"metastorebench/core/rpcpb"
	"metastorebench/harness/ready"
	"metastorebench/harness/record"
)

// Faults of the store; FaultNone is a store that works.
const (
	FaultNone        = "none"
	FaultCrash       = "crash"       // dies in the 100th put
	FaultSilent      = "silent"      // never becomes ready, nor ends
	FaultMumble      = "mumble"      // prints something else than a ready line
	FaultMiscount    = "miscount"    // counts one applied write too many
	FaultNoCounters  = "no-counters" // has an empty /metrics
	FaultUnavailable = "unavailable" // is not in this build
	FaultStages      = "stages"      // traces stages that do not add up
	FaultStop        = "stop"        // ends with status 3 when asked to stop
	FaultLeaderless  = "leaderless"  // never has a leader in a cluster
	FaultRefuse      = "refuse"      // fails every tenth put, unstored, with Unavailable
)

// Lies: each is told of every tenth operation that it can be told of, but for
// LieReorder, which is told once, and LieCount, which is told every time.
const (
	LieUnapplied = "unapplied" // acknowledges a put that it does not carry out
	LieTwice     = "twice"     // carries out a put twice
	LieUpdate    = "update"    // lets a transaction put a key that is not as it was compared
	LieTear      = "tear"      // acknowledges a batch of puts and carries out its first half
	LieDivide    = "divide"    // lets another write's revision pass within a batch of puts
	LieDelete    = "delete"    // acknowledges a delete that it does not carry out
	LieStale     = "stale"     // answers a get with the pair before
	LieForget    = "forget"    // says that a key is not there
	LieCorrupt   = "corrupt"   // answers with a flipped bit
	LieOther     = "other"     // answers a get with the pair of another key
	LieBack      = "back"      // answers a get with revision 1
	LieCount     = "count"     // counts one pair less in a range that a limit cuts
	LieReorder   = "reorder"   // exchanges the answers to two gets of a stream
)

// RunIfChild becomes the store, and does not return, if the arguments are those
// with which a trial starts a store. Otherwise it does nothing.
func RunIfChild() {
	if len(os.Args) < 2 || !strings.HasPrefix(os.Args[1], "--data-dir=") {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the child: it returns its exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	options, err := parse(args)
	if err == nil {
		err = serve(ctx, options, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "fakestore:", err)
		return 1
	}
	if options["fault"] == FaultStop {
		return 3
	}
	return 0
}

// parse takes flags of any name: every axis is welcome.
func parse(args []string) (map[string]string, error) {
	fs := flag.NewFlagSet("fakestore", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	for _, name := range []string{
		"data-dir", "listen-client-urls", "listen-client-http-urls", "listen-peer-urls", "log-level", "seed",
		"propose", "codec", "apply", "rpc", "wal", "index", "engine", "engine-profile", "disk", "stage-sample", "consistency", "fault",
		"name", "initial-cluster", "initial-advertise-peer-urls",
	} {
		fs.String(name, "", "")
	}
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	options := make(map[string]string)
	fs.Visit(func(f *flag.Flag) { options[f.Name] = f.Value.String() })
	return options, nil
}

func serve(ctx context.Context, options map[string]string, stdout io.Writer) error {
	fault := options["fault"]
	switch fault {
	case FaultUnavailable:
		return errors.New("rocksdb engine is not in this build")
	case FaultSilent:
		<-ctx.Done()
		return nil
	case FaultMumble:
		fmt.Fprintln(stdout, "hello")
		<-ctx.Done()
		return nil
	}
	rpc, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := newStore(options)
	grpcServer := grpc.NewServer()
	etcdserverpb.RegisterKVServer(grpcServer, s)
	rpcpb.RegisterMetaStoreServer(grpcServer, &metaStore{s: s})
	etcdserverpb.RegisterMaintenanceServer(grpcServer, &maintenance{options: options})
	webServer := &http.Server{Handler: s.web()}
	context.AfterFunc(ctx, func() {
		grpcServer.GracefulStop()
		_ = webServer.Close()
	})
	line := ready.Line{
		Client: rpc.Addr().String(), HTTP: web.Addr().String(), PID: os.Getpid(),
		Durability: record.TierSynced, Options: options,
	}
	if err := line.Write(stdout); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- webServer.Serve(web) }()
	err = grpcServer.Serve(rpc)
	if webErr := <-ended; !errors.Is(webErr, http.ErrServerClosed) {
		err = errors.Join(err, webErr)
	}
	return err
}
