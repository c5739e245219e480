package conform

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"metastorebench/core/api/lean"
)

// emptyCalls answers gRPC's EmptyCall without grpc-go.
type emptyCalls struct{ conn *lean.Conn }

func (s emptyCalls) Begin(call *lean.Call, _ []byte)                      { s.conn.Answer(call) }
func (s emptyCalls) Flush()                                               {}
func (s emptyCalls) AppendReply(dst []byte, _ *lean.Call) ([]byte, error) { return dst, nil }
func (s emptyCalls) Drop(*lean.Call, error)                               {}

// TestInterop runs the cases of grpc-go's interoperability client that need no cloud
// against package lean: EmptyCall by a session, all else by grpc-go behind it.
func TestInterop(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS %v", secure), func(t *testing.T) {
			cc := dialInterop(t, secure)
			client := testgrpc.NewTestServiceClient(cc)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			interop.DoEmptyUnaryCall(ctx, client)
			interop.DoLargeUnaryCall(ctx, client)
			interop.DoClientStreaming(ctx, client)
			interop.DoServerStreaming(ctx, client)
			interop.DoPingPong(ctx, client)
			interop.DoEmptyStream(ctx, client)
			interop.DoTimeoutOnSleepingServer(ctx, client)
			interop.DoCancelAfterBegin(ctx, client)
			interop.DoCancelAfterFirstResponse(ctx, client)
			interop.DoCustomMetadata(ctx, client)
			interop.DoStatusCodeAndMessage(ctx, client)
			interop.DoSpecialStatusMessage(ctx, client)
			interop.DoUnimplementedMethod(ctx, cc)
			interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(cc))
		})
	}
}

// patience bounds every wait. Nothing that works takes nearly as long.
const patience = 2 * time.Minute

func dialInterop(t *testing.T, secure bool) *grpc.ClientConn {
	rest := grpc.NewServer()
	testgrpc.RegisterTestServiceServer(rest, interop.NewTestServer())
	o := lean.Options{
		Methods: []string{"/grpc.testing.TestService/EmptyCall"}, NewSession: func(c *lean.Conn) lean.Session { return emptyCalls{c} },
		Services: []string{"grpc.testing.TestService"}, GRPC: rest, Web: http.NotFoundHandler(), MaxMessageBytes: 4 << 20,
	}
	creds := insecure.NewCredentials()
	if secure {
		o.TLS = certificate(t)
		creds = credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})
	}
	srv := lean.New(o)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	cc, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(creds))
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, cc.Close())
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, srv.Drain(ctx))
		rest.Stop()
		select {
		case err := <-served:
			require.ErrorIs(t, err, lean.ErrServerClosed)
		case <-ctx.Done():
			require.FailNow(t, "a wait without end", "waited %v for Serve to return", patience)
		}
	})
	return cc
}
